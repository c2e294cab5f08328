/** Disks in the order in which an archive has them: that of their folders' names, so that Ref:10 comes before Ref:2. */
export const inOrder = <Disk extends { readonly prefix: string }>(disks: readonly Disk[]): Disk[] =>
  disks.toSorted((a, b) => (a.prefix < b.prefix ? -1 : 1))
