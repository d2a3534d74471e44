import { progressOn } from '@kosmos/testbed'
import { Command, Option } from 'commander'
import { models } from '../platform/node-model.ts'
import { benchExec } from './exec/bench.ts'
import { describeExec } from './exec/result.ts'
import { benchFragmentation, describeFragmentation } from './fragmentation/bench.ts'
import { benchLiveFragmentation, describeLiveFragmentation } from './fragmentation/live.ts'
import type { ModelOptions } from './fragmentation/model.ts'
import { benchNetwork } from './network/bench.ts'
import { describeNetwork } from './network/result.ts'
import { share, wholeFrom } from './numbers.ts'
import { benchPods, type PodsOptions } from './pods/bench.ts'
import { describePods } from './pods/report.ts'
import { benchAdmission, describeAdmission } from './scheduler/admission.ts'
import { benchScheduler, describeScheduler, type SchedulerOptions } from './scheduler/bench.ts'
import { benchSync, describeSync } from './sync/bench.ts'

export const program = new Command('npm run bench --')
  .description('Side-by-side measurements, both sides in one run on this machine')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))

program
  .command('pods')
  .description('the same pods straight on the leaf and through the tree')
  .option('--count <pods>', 'pods on each side', wholeFrom(1), 2000)
  .addOption(new Option('--model <model>', 'what the leaf is in the root').choices(models).default('cluster'))
  .option('--tokens', "the pods get tokens for the root's API server", false)
  .option('--configmaps', 'each pod mounts a ConfigMap of its own', false)
  .option('--rest <seconds>', 'how long all of them are there before they are deleted', wholeFrom(0), 30)
  .option('--json', 'print one JSON object')
  .action(async ({ json, ...options }: Omit<PodsOptions, 'progress'> & { json?: boolean }) => {
    const run = await benchPods({ ...options, progress: progressOn(process.stderr) })
    console.log(json ? JSON.stringify(run.result) : describePods(run))
  })

program
  .command('sync')
  .description('pods that share ConfigMaps and Secrets, straight on the leaf and through the tree')
  .option('--pods <pods>', 'pods on each side', wholeFrom(1), 5000)
  .option('--objects <objects>', 'ConfigMaps, and as many Secrets', wholeFrom(1), 500)
  .option('--unreferenced <secrets>', 'Secrets of the root that no pod refers to', wholeFrom(0), 0)
  .option('--json', 'print one JSON object')
  .action(async ({ json, ...options }: { pods: number; objects: number; unreferenced: number; json?: boolean }) => {
    const result = await benchSync({ ...options, progress: progressOn(process.stderr) })
    console.log(json ? JSON.stringify(result) : describeSync(result))
  })

program
  .command('scheduler')
  .description('pods by the stock scheduler alone, with ours beside it, and under policies')
  .option('--count <pods>', 'pods each time', wholeFrom(1), 2000)
  .option('--nodes <nodes>', 'nodes of the root, in ten clusters', wholeFrom(1), 1000)
  .option('--policies <policies>', 'WorkloadPolicies', wholeFrom(1), 100)
  .option('--rate <pods>', 'pods a second while single decisions are timed', wholeFrom(1), 100)
  .option('--json', 'print one JSON object')
  .action(async ({ json, ...options }: Omit<SchedulerOptions, 'progress'> & { json?: boolean }) => {
    const result = await benchScheduler({ ...options, progress: progressOn(process.stderr) })
    console.log(json ? JSON.stringify(result) : describeScheduler(result))
  })

program
  .command('admission')
  .description('what the admission of a pod costs the API server, by the number of policies in its namespace')
  .option('--count <pods>', 'pods in a round', wholeFrom(1), 300)
  .option('--json', 'print one JSON object')
  .action(async ({ json, count }: { count: number; json?: boolean }) => {
    const result = await benchAdmission({ count, progress: progressOn(process.stderr) })
    console.log(json ? JSON.stringify(result) : describeAdmission(result))
  })

program
  .command('fragmentation')
  .description(
    'pods of mixed shapes that leaves have no machine for, by the stock scheduler and by ours; simulated, or --live',
  )
  .option('--pods <pods>', 'pods that come', wholeFrom(1), 3000)
  .option('--leaves <leaves>', 'leaves of 13 unequal machines', wholeFrom(1), 4)
  .option('--use <share>', 'how much of the leaves the pods ask for', share, 0.9)
  .option('--seed <number>', 'other pods', wholeFrom(0), 1)
  .option('--json', 'print one JSON object')
  .option('--live', 'on real control planes whose leaf nodes are simulated, with shorter lives', false)
  .action(async ({ json, live, ...options }: ModelOptions & { live: boolean; json?: boolean }) => {
    const progress = progressOn(process.stderr)
    if (live) {
      const result = await benchLiveFragmentation(options, progress)
      console.log(json ? JSON.stringify(result) : describeLiveFragmentation(result))
      return
    }
    const result = benchFragmentation(options, progress)
    console.log(json ? JSON.stringify(result) : describeFragmentation(result))
  })

program
  .command('network')
  .description('tunnels between two clusters, ours and the same by hand; needs root')
  .option('--json', 'print one JSON object')
  .action(async ({ json }: { json?: boolean }) => {
    const result = await benchNetwork(progressOn(process.stderr))
    console.log(json ? JSON.stringify(result) : describeNetwork(result))
  })

program
  .command('exec')
  .description('the same commands in a container, by the API server of the leaf and by that of the root; needs root')
  .option('--json', 'print one JSON object')
  .action(async ({ json }: { json?: boolean }) => {
    const result = await benchExec(progressOn(process.stderr))
    console.log(json ? JSON.stringify(result) : describeExec(result))
  })
