import type { HostRef } from '@tidemark/xenapi'
import type { Handlers } from '../calls/call.ts'

export const hostHandlers: Handlers = {
  'host.get_server_certificate': ({ pool }, host: HostRef) => {
    pool.db.get('host', host)
    return pool.certificate.cert
  },
  'host.get_servertime': ({ pool }, host: HostRef) => {
    pool.db.get('host', host)
    return pool.options.clock.now()
  },
}
