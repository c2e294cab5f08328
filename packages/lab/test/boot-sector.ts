/** What the guest does once it has reported. */
export type Temper =
  /** Switches itself off when somebody presses the power button. */
  | 'obedient'
  /** Switches itself off at once. */
  | 'leaving'
  /** Takes no notice of anything. */
  | 'deaf'

const COM1 = 0x3f8
const COM2 = 0x2f8
/** Power management of the PC that qemu emulates: registers of the PIIX4. */
const PM_STATUS = 0x600
const PM_ENABLE = 0x602
const PM_CONTROL = 0x604
const POWER_BUTTON = 0x100
const SWITCH_OFF = 0x2000

const ORIGIN = 0x7c00

/**
 * The smallest guest there is: a boot sector that writes a line to the console and a report to the agent's line, and then
 * does as its temper is. 512 bytes, for a PC's BIOS. Machine code of the 8086.
 */
export function bootSector(console: string, report: readonly string[], temper: Temper): Uint8Array {
  const texts = [`${console}\r\n`, report.map((line) => `${line}\n`).join('')].map((text) => Buffer.from(`${text}\0`))
  const code = ([consoleAt = 0, reportAt = 0]: readonly number[]): Buffer =>
    assembled(
      [0xfc, 0x31, 0xc0, 0x8e, 0xd8], // cld; xor ax, ax; mov ds, ax
      say(consoleAt, COM1),
      say(reportAt, COM2),
      behaviour[temper],
    )
  const first = ORIGIN + code([]).length
  const sector = Buffer.alloc(512)
  const content = [code([first, first + (texts[0]?.length ?? 0)]), ...texts]
  if (Buffer.concat(content).length > 510) throw new Error('the report does not fit a boot sector')
  Buffer.concat(content).copy(sector)
  sector.writeUInt16LE(0xaa55, 510)
  return sector
}

const assembled = (...parts: readonly (readonly number[])[]): Buffer => Buffer.from(parts.flat())

const word = (value: number): readonly number[] => [value & 0xff, value >> 8]

/** Writes the text at `address` to a serial port, each character when the port has room. */
const say = (address: number, port: number): readonly number[] =>
  [
    [0xbe, word(address)], // mov si, address
    [0xac], // next: lodsb
    [0x84, 0xc0], // test al, al
    [0x74, 0x12], // jz end
    [0x88, 0xc4], // mov ah, al
    [0xba, word(port + 5)], // mov dx, line status
    [0xec], // wait: in al, dx
    [0xa8, 0x20], // test al, 0x20
    [0x74, 0xfb], // jz wait
    [0x88, 0xe0], // mov al, ah
    [0xba, word(port)], // mov dx, port
    [0xee], // out dx, al
    [0xeb, 0xe9], // jmp next
  ].flat(2)

/** mov dx, port; mov ax, value; out dx, ax */
const output = (port: number, value: number): readonly number[] => [0xba, word(port), 0xb8, word(value), 0xef].flat()

const switchOff = [output(PM_CONTROL, SWITCH_OFF), [0xf4, 0xeb, 0xfd]].flat() // …; hlt: hlt; jmp hlt

const behaviour: Readonly<Record<Temper, readonly number[]>> = {
  obedient: [
    output(PM_ENABLE, POWER_BUTTON),
    [0xba, word(PM_STATUS)].flat(), // mov dx, status
    [0xed], // poll: in ax, dx
    [0xf6, 0xc4, POWER_BUTTON >> 8], // test ah, the button
    [0x74, 0xfa], // jz poll
    switchOff,
  ].flat(),
  leaving: switchOff,
  deaf: [0xfa, 0xf4, 0xeb, 0xfd], // cli; hlt: hlt; jmp hlt
}
