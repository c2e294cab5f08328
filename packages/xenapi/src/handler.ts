/** A request to one of the pool's HTTP handlers, of which there are more than the session has names for. */
export interface HandlerRequest {
  /** `/export`, `/import`, `/export_raw_vdi` … */
  readonly path: `/${string}`
  /** Its query, without the session and the task. */
  readonly params: readonly (readonly [name: string, value: string])[]
  /** Name of the task that it runs under. */
  readonly label: string
}
