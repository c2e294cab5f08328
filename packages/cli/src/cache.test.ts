import { expect, test } from 'vitest'
import { cacheDirectory } from './cache.ts'

test('the place of the cache follows TIDEMARK_CACHE_DIR, then XDG_CACHE_HOME; an empty one means none', () => {
  expect(cacheDirectory({ TIDEMARK_CACHE_DIR: '/a/b', XDG_CACHE_HOME: '/x' })).toBe('/a/b')
  expect(cacheDirectory({ TIDEMARK_CACHE_DIR: '', XDG_CACHE_HOME: '/x' })).toBeUndefined()
  expect(cacheDirectory({ XDG_CACHE_HOME: '/x' })).toBe('/x/tidemark')
  expect(cacheDirectory({})).toMatch(/\.cache\/tidemark$/)
})
