import { downTestbed, progressOn } from '@kosmos/testbed'
import { Command } from 'commander'

new Command('npm stop --')
  .description('Ends and removes what npm start has started, also after a crash; twice is fine.')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse()

const progress = progressOn(process.stderr)
const existed = await downTestbed('kosmos', progress)
progress.step(existed ? 'everything is stopped and removed' : 'nothing was running')
