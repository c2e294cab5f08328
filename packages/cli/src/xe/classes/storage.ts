import { mapRo, mapRw, ro, rw, setRo, setRw, type XeClass } from '../field.ts'

const verbs =
  'create introduce destroy resize clone snapshot mirror enable_cbt disable_cbt ' +
  'set_on_boot data_destroy list_changed_blocks blocked copy force_unlock forget ' +
  'generate_config resize_online update revert'

/** `vdi_create` is `VDI.create` to xe. */
const operationWords = Object.fromEntries([
  ...verbs.split(' ').map((verb) => [`vdi_${verb}`, `VDI.${verb}`] as const),
  ['pbd_create', 'PBD.create'],
  ['pbd_destroy', 'PBD.destroy'],
])

export const sr: XeClass = {
  name: 'sr',
  api: 'SR',
  only: {},
  list: ['uuid', 'name-label', 'name-description', 'host', 'type', 'content-type'],
  isCommon: true,
  fields: [
    ro('uuid'),
    rw('name-label'),
    rw('name-description'),
    ro('host', { compute: 'sr host' }),
    setRo('allowed-operations', { words: operationWords }),
    setRo('current-operations', { words: operationWords }),
    setRo('VDIs'),
    setRo('PBDs'),
    ro('virtual-allocation'),
    ro('physical-utilisation'),
    ro('physical-size'),
    ro('type'),
    ro('content-type'),
    rw('shared'),
    ro('introduced-by'),
    ro('is-tools-sr'),
    mapRw('other-config'),
    mapRo('sm-config'),
    ro('blobs'),
    ro('local-cache-enabled'),
    setRw('tags', { join: ', ' }),
    ro('clustered'),
  ],
}

export const pbd: XeClass = {
  name: 'pbd',
  api: 'PBD',
  only: {},
  list: ['uuid', 'host-uuid', 'sr-uuid', 'device-config', 'currently-attached'],
  fields: [
    ro('uuid'),
    ro('host', { isDeprecated: true }),
    ro('host-uuid', { from: 'host' }),
    ro('host-name-label', { from: 'host', show: 'name' }),
    ro('sr-uuid', { from: 'SR' }),
    ro('sr-name-label', { from: 'SR', show: 'name' }),
    mapRo('device-config'),
    ro('currently-attached'),
    mapRw('other-config'),
  ],
}

export const sm: XeClass = {
  name: 'sm',
  api: 'SM',
  only: {},
  list: ['uuid', 'type', 'name-label', 'name-description', 'vendor', 'copyright', 'configuration'],
  fields: [
    ro('uuid'),
    ro('name-label'),
    ro('name-description'),
    ro('type'),
    ro('vendor'),
    ro('copyright'),
    ro('required-api-version'),
    ro('capabilities', { isDeprecated: true }),
    mapRo('features'),
    ro('configuration'),
    ro('driver-filename'),
    ro('required-cluster-stack', { join: ', ' }),
  ],
}
