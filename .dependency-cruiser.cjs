/** Who may import whom. Anything that is not in the table is refused, tests aside. */
const mayImport = {
  api: [],
  kube: ['api'],
  kubelet: ['kube'],
  'cluster-tree': ['kube', 'api', 'kubelet'],
  scheduler: ['kube', 'api'],
  'cluster-link': ['kube', 'api'],
  kosmosctl: ['api', 'kube', 'kubelet', 'cluster-tree', 'scheduler', 'cluster-link', 'testbed'],
  testbed: ['kube'],
}

const isTest = '[.](test|fixture)[.]ts$|/testing/'

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Files that import each other cannot be read one after the other.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'only-the-contract',
      comment: 'What a package offers is its index.ts (kube has six); nothing reaches past it.',
      severity: 'error',
      from: { path: '^(packages/[^/]+|e2e)/' },
      to: {
        path: '^packages/([^/]+)/src/(?!((addresses|auth|certificates|process|testing)/)?index[.]ts$)',
        pathNot: ['^$1/', '^packages/[^/]+/src/main[.]ts$'],
      },
    },
    ...Object.entries(mayImport).map(([name, allowed]) => ({
      name: `imports-of-${name}`,
      comment: `packages/${name} may import: ${allowed.join(', ') || 'no other package'}.`,
      severity: 'error',
      from: { path: `^packages/${name}/`, pathNot: isTest },
      to: { path: '^(packages|e2e)/', pathNot: [`^packages/(${[name, ...allowed].join('|')})/`] },
    })),
    {
      name: 'api-does-no-io',
      comment: 'packages/api is data and pure functions; only its generator writes files.',
      severity: 'error',
      from: { path: '^packages/api/src/', pathNot: `${isTest}|/testing/|generate[.]ts$` },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?net$' },
    },
  ],
  options: {
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node'] },
  },
}
