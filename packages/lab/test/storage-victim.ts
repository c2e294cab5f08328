// Writes, snapshots and destroys in a storage until it is killed, and says what it is about to do and what is done.
// Arguments: directory, first stamp, first snapshot number.
import { writeSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { openStorage } from '../src/storage/index.ts'
import { REGION, REGIONS, stamped, WRITERS } from './storage-report.ts'

const [directory = '', stamp = '1', snapshot = '1'] = process.argv.slice(2)
const say = (...words: (string | number)[]) => writeSync(1, `${words.join(' ')}\n`)
const storage = await openStorage({ directory })
let nextStamp = Number(stamp)

async function writeForever(writer: number): Promise<never> {
  for (;;) {
    const region = writer + WRITERS * Math.floor(Math.random() * (REGIONS / WRITERS))
    const value = nextStamp++
    say('write', region, value)
    await storage.write('disk', region * REGION, stamped(value))
    say('written', region, value)
    if (value % 50 === 0) await storage.flush('disk')
  }
}

async function snapshotForever(): Promise<never> {
  for (let number = Number(snapshot); ; number++) {
    say('snapshot', number)
    await storage.snapshot('disk', `snapshot${number}`)
    say('snapshotted', number)
    await setTimeout(number % 4)
    const old = number - 3
    const how = number % 2 === 0 ? 'destroy' : 'dataDestroy'
    if (storage.has(`snapshot${old}`)) {
      say(how, old)
      await storage[how](`snapshot${old}`)
      say(how === 'destroy' ? 'destroyed' : 'dataDestroyed', old)
    }
  }
}

say('ready')
await Promise.all([...Array.from({ length: WRITERS }, (_, writer) => writeForever(writer)), snapshotForever()])
