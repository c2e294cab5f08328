// Stands in for @vates/types, which is not on npm. The one value that the packages here import from it.
export const VM_POWER_STATE = { HALTED: 'Halted', PAUSED: 'Paused', RUNNING: 'Running', SUSPENDED: 'Suspended' }
