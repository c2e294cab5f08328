'use strict'
// The one direction of imports: design in ARCHITECTURE.md. `test/architecture.test.ts` runs these rules.
const pkg = (name) => `^packages/${name}/`
const only = (from, allowed) => ({
  name: `${from}-imports-down-only`,
  severity: 'error',
  from: { path: `^packages/${from}/src/`, pathNot: '\\.test\\.ts$' },
  to: { path: '^packages/', pathNot: [from, ...allowed].map(pkg) },
})

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    only('blocks', []),
    only('xenapi', []),
    only('nbd', ['blocks']),
    only('repository', ['blocks']),
    only('engine', ['blocks', 'repository', 'nbd', 'xenapi']),
    only('lab', ['blocks', 'nbd', 'xenapi']),
    {
      name: 'only-engine-xen-speaks-to-pools',
      severity: 'error',
      from: { path: '^packages/engine/src/', pathNot: ['^packages/engine/src/xen/', '\\.test\\.ts$'] },
      to: { path: ['^packages/xenapi/', '^packages/nbd/'] },
    },
    {
      name: 'only-the-entry-of-another-package',
      severity: 'error',
      from: { path: '^packages/([^/]+)/' },
      to: { path: '^packages/([^/]+)/(src|dist)/', pathNot: ['^packages/$1/', '/index\\.(ts|js|d\\.ts)$'] },
    },
    {
      name: 'backends-do-not-know-the-format',
      severity: 'error',
      from: { path: '^packages/repository/src/backends/', pathNot: '\\.test\\.ts$' },
      to: { path: '^packages/repository/src/(?!backends/|error)' },
    },
    {
      name: 'blocks-runs-anywhere',
      severity: 'error',
      from: { path: '^packages/blocks/src/', pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'lab-knows-codecs-and-types-of-xenapi-only',
      severity: 'error',
      from: { path: '^packages/lab/src/', pathNot: '\\.test\\.ts$' },
      to: { path: '^packages/xenapi/(src|dist)/(?!codec/index|vhd/index)' , dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/dist/|\\.test\\.ts$|/test/|/generate/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@tidemark/source', 'import', 'node', 'default'],
      extensions: ['.ts', '.js', '.json'],
    },
  },
}
