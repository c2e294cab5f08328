// Stands in for @vates/task, which is not on npm: as much of its interface as the packages here use. A task reports its
// start, end, warnings and infos to the `onProgress` of the outermost task around it.
import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'

const current = new AsyncLocalStorage()

export class Task {
  id = randomUUID()
  status = 'pending'
  #report
  #parent
  #properties
  #started = false
  #aborting = new AbortController()

  constructor({ properties, onProgress } = {}) {
    this.#parent = onProgress === undefined ? current.getStore() : undefined
    this.#report = onProgress ?? this.#parent?.report ?? (() => undefined)
    this.#properties = properties
    this.#parent?.signal.addEventListener('abort', () => this.abort(this.#parent.signal.reason))
  }

  get report() {
    return this.#report
  }

  get signal() {
    return this.#aborting.signal
  }

  static get abortSignal() {
    return current.getStore()?.signal
  }

  static run(options, work) {
    return typeof options === 'function' ? new Task().run(options) : new Task(options).run(work)
  }

  /** Both orders of arguments are in use; the options may be made from the arguments of the call. */
  static wrap(first, second) {
    const [options, work] = typeof second === 'function' ? [first, second] : [second, first]
    return function (...args) {
      const chosen = typeof options === 'function' ? options.apply(this, args) : options
      return new Task(chosen).run(() => work.apply(this, args))
    }
  }

  static info(message, data) {
    current.getStore()?.info(message, data)
  }

  static warning(message, data) {
    current.getStore()?.warning(message, data)
  }

  static set(name, value) {
    current.getStore()?.set(name, value)
  }

  abort(reason) {
    this.#aborting.abort(reason)
  }

  start() {
    this.#started = true
    this.#tell('start', { parentId: this.#parent?.id, properties: this.#properties })
  }

  async run(work) {
    const result = await this.runInside(work)
    if (this.status === 'pending') this.success(result)
    return result
  }

  /** Stays pending after success. */
  async runInside(work) {
    if (!this.#started) this.start()
    try {
      return await current.run(this, work, this)
    } catch (error) {
      this.failure(error)
      throw error
    }
  }

  /** A function that runs in this task, with the `this` of its caller. */
  wrap(work) {
    const task = this
    return function (...args) {
      return task.run(() => work.apply(this, args))
    }
  }

  wrapInside(work) {
    const task = this
    return function (...args) {
      return task.runInside(() => work.apply(this, args))
    }
  }

  success(result) {
    this.#end('success', result)
  }

  failure(error) {
    this.#end('failure', error)
  }

  info(message, data) {
    this.#tell('info', { message, data })
  }

  warning(message, data) {
    this.#tell('warning', { message, data })
  }

  set(name, value) {
    this.#tell('property', { name, value })
  }

  #end(status, result) {
    this.status = status
    this.#tell('end', { status, result })
  }

  #tell(type, data) {
    this.#report({ ...data, id: this.id, timestamp: Date.now(), type })
  }
}
