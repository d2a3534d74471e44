import { downTestbed, progressOn } from '@kosmos/testbed'

/** Ends what `npm start` started, also after a crash; twice is fine. */
const progress = progressOn(process.stderr)
const existed = await downTestbed('kosmos', progress)
progress.step(existed ? 'everything is stopped and removed' : 'nothing was running')
