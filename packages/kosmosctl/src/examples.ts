/** What a person types, for each command. The help has them, and the reference; a test parses every one. */
export const examples: Readonly<Record<string, readonly string[]>> = {
  join: [
    'kosmosctl join paris --kubeconfig paris.kubeconfig --dry-run',
    'kosmosctl join paris --kubeconfig paris.kubeconfig',
    'kosmosctl join paris --kubeconfig paris.kubeconfig --model node --node-selector pool=web',
    'kosmosctl join paris --kubeconfig paris.kubeconfig --group gpu=pool=gpu --group rest=pool!=gpu',
    'kosmosctl join rome --kubeconfig rome.kubeconfig --link --no-tree',
  ],
  unjoin: [
    'kosmosctl unjoin paris --dry-run',
    'kosmosctl unjoin paris',
    'kosmosctl unjoin paris --force --timeout 60s',
  ],
  get: [
    'kosmosctl get clusters',
    'kosmosctl get virtualnodes',
    'kosmosctl get pods -A -o wide',
    'kosmosctl get orphans',
  ],
  delete: ['kosmosctl delete orphans --all --dry-run', 'kosmosctl delete orphans shop/web-0'],
  explain: ['kosmosctl explain pod web-0 -n shop', 'kosmosctl explain deployment/web -n shop'],
  simulate: [
    'kosmosctl simulate -f deployment.yaml --replicas 100',
    'kosmosctl simulate -f deployment.yaml --without paris -o json',
  ],
  import: ['kosmosctl import volume data -n shop --cluster paris'],
  check: ['kosmosctl check', 'kosmosctl check paris -o wide'],
  'link check': [
    'kosmosctl link check',
    'kosmosctl link check --pods --cluster-kubeconfig paris=paris.kubeconfig --cluster-kubeconfig rome=rome.kubeconfig',
    'kosmosctl link check -o html > link.html',
  ],
  'link trace': ['kosmosctl link trace paris/shop/web-0 rome/db/db-0'],
  'link bundle': [
    'kosmosctl link bundle -f kosmos-link.tar.gz',
    'kosmosctl link bundle --output-directory kosmos-link -o json',
  ],
  'link dns': [
    'kosmosctl link dns --kubeconfig paris.kubeconfig --dry-run',
    'kosmosctl link dns --kubeconfig paris.kubeconfig',
  ],
  'link rotate-keys': ['kosmosctl link rotate-keys', 'kosmosctl link rotate-keys --cluster paris --node edge-1'],
  export: ['kosmosctl export service web -n shop --kubeconfig paris.kubeconfig'],
  unexport: ['kosmosctl unexport service web -n shop --kubeconfig paris.kubeconfig'],
  install: [
    'kosmosctl install --image registry.example/kosmos:0.1.0 --dry-run',
    'kosmosctl install --image registry.example/kosmos:0.1.0',
  ],
  uninstall: ['kosmosctl uninstall --dry-run', 'kosmosctl uninstall'],
  version: ['kosmosctl version', 'kosmosctl version --client -o json'],
  completion: ['source <(kosmosctl completion bash)'],
}
