/** The position that a guest's word for a disk stands for: `xvda`, `sda` and `hda` are 0. Undefined for other texts. */
export function positionOfDevice(device: string): number | undefined {
  const letter = /^(?:hd|sd|xvd)([a-z])$/.exec(device)?.[1]
  return letter === undefined ? undefined : letter.charCodeAt(0) - 'a'.charCodeAt(0)
}
