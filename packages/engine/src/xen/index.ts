export { openXenPool, xenPoolDefaults, type XenPoolOptions } from './pool.ts'
export { patienceDefaults, type Patience } from './patience.ts'
export { sourceDefaults, type SourceOptions } from './source-options.ts'
export { poolTracking, type PoolTracking } from './tracking.ts'
