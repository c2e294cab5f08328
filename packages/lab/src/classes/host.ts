import type { HostRef } from '@tidemark/xenapi'
import { NULL_REF } from '@tidemark/xenapi/codec'
import type { Handlers } from '../calls/call.ts'

export const hostHandlers: Handlers = {
  'host.enable': ({ pool: { db } }, host: HostRef) => db.update('host', host, { enabled: true }),
  'host.disable': ({ pool: { db } }, host: HostRef) => db.update('host', host, { enabled: false }),
  'host.get_server_certificate': ({ pool }, host: HostRef) => {
    pool.db.get('host', host)
    return pool.hosts.get(host).certificate.cert
  },
  'host.get_servertime': ({ pool }, host: HostRef) => {
    pool.db.get('host', host)
    return pool.options.clock.now()
  },
  'host.get_server_localtime': ({ pool }, host: HostRef) => {
    pool.db.get('host', host)
    return pool.options.clock.now()
  },
  'host.compute_free_memory': ({ pool: { db } }, host: HostRef) =>
    db.get('host_metrics', db.get('host', host).metrics).memory_free,
  'host.get_management_interface': ({ pool: { db } }, host: HostRef) =>
    db.get('host', host).PIFs.find((pif) => db.get('PIF', pif).management) ?? NULL_REF,
}
