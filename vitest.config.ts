import { defineConfig } from 'vitest/config'

// Tests run on the sources; the condition reaches worker threads and child processes through execArgv.
// Not 'module': it is a bundler's, and what it leads to may be nothing that Node can load.
const conditions = ['@tidemark/source', 'node', 'import', 'default']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'packages/*/test/**/*.test.ts', 'test/**/*.test.ts'],
    execArgv: ['--conditions=@tidemark/source'],
    setupFiles: ['./test/support/properties.ts'],
    env: { TIDEMARK_CACHE_DIR: '' }, // the user's own cache is none of the tests' business
    maxWorkers: 2, // much of the suite waits: for boots, prunes, retries; the default on two cores is one
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', './scripts/closing-line.ts'],
    coverage: { provider: 'v8', include: ['packages/*/src/**'], exclude: ['**/*.test.ts'] },
  },
})
