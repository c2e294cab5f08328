// A PostgreSQL server on a lab disk, backed up while it works: npm run postgres -- [--backups 10] [--json]. docs/verification.md
import { parseArgs } from 'node:util'
import { postgresRun } from '../test/postgres/run.ts'

const { values } = parseArgs({ options: { backups: { type: 'string', default: '10' }, json: { type: 'boolean' } } })
const say = (line: string): void => {
  if (values.json !== true) console.log(line)
}
const points = await postgresRun(Number(values.backups), say)
const failed = points.filter(({ wrong }) => wrong.length > 0).length
say(`${points.length} points, ${failed} of them wrong`)
if (values.json === true) console.log(JSON.stringify({ points, failed }))
process.exitCode = failed === 0 ? 0 : 1
