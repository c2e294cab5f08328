// Loads the index of a repository with a cache, checks that its blobs are found, and says how many there are.
import { ID_LENGTH } from '../../src/id.ts'
import { localBackend, openRepository } from '../../src/index.ts'
import { syntheticIds } from './synthetic-index.ts'

const [path = '', password = '', directory = '', expected = '0'] = process.argv.slice(2)
const problems: unknown[] = []
await using repository = await openRepository(localBackend(path), password, {
  workers: 0,
  cache: { directory, onProblem: (error) => problems.push(error) },
})
await repository.loadIndex()
const index = repository.blobs.index()
const ids = syntheticIds(0, Number(expected))
let found = 0
for (let at = 0; at < ids.length; at += ID_LENGTH) if (index.has('data', ids, at)) found++
process.send?.({ found, size: index.size, problems: problems.map(String) })
