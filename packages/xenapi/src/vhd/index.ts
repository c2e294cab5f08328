export { VHD_BLOCK, VHD_SIZE_MAX } from './format.ts'
export { readVhd, type VhdChunk, type VhdExtent, type VhdReader } from './read.ts'
export { writeVhd, type VhdSource, type VhdStream } from './write.ts'
