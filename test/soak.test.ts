import { expect, test } from 'vitest'
import { soak } from './soak/soak.ts'

test(
  'clients at random leave a pool whose objects agree, and that can be emptied to the last file',
  { timeout: 300_000 },
  async () => {
    const seed = Number(process.env['SEED'] ?? 7)
    const result = await soak({ seconds: 8, vms: 10, vdis: 50, clients: 8, python: 1, seed })
    expect(result.findings, `seed ${seed}`).toEqual([])
    expect(result.steps).toBeGreaterThan(50)
    expect(result.events).toBeGreaterThan(50)
    expect(result.python).toBeGreaterThan(10)
  },
)
