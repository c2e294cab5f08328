import type { Handlers } from '../calls/call.ts'

export const sessionHandlers: Handlers = {
  'session.login_with_password': ({ pool }, name: string, password: string, _version: string, originator: string) =>
    pool.sessions.login(name, password, originator),
  'session.logout': ({ pool, session }) => {
    pool.sessions.logout(session)
  },
}
