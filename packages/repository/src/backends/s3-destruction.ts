import type { DeleteObjectCommandInput, S3Client } from '@aws-sdk/client-s3'
import type { Destruction } from './backend.ts'
import type { LazyS3 } from './s3-client.ts'
import { s3Failure } from './s3-error.ts'

/** One object of a bucket. */
export interface S3Object {
  readonly Bucket: string
  readonly Key: string
}

type Sdk = Awaited<ReturnType<LazyS3['open']>>['sdk']

interface Trial {
  readonly sdk: Sdk
  readonly client: S3Client
  readonly object: S3Object
  readonly options: { readonly abortSignal?: AbortSignal }
}

/**
 * What an attacker with these keys would do to an object: write over it, delete it, delete its version past a governance lock. `bytes` is what is in
 * it, so that writing over it changes nothing.
 */
export async function destroyObject(
  { sdk, client }: Pick<Trial, 'sdk' | 'client'>,
  object: S3Object,
  bytes: Uint8Array,
  options: Trial['options'],
): Promise<Destruction> {
  const trial = { sdk, client, object, options }
  const { VersionId: version } = await client.send(new sdk.HeadObjectCommand(object), options)
  const isVersioned = version !== undefined && version !== 'null'
  const overwriting = await tried(() => client.send(new sdk.PutObjectCommand({ ...object, Body: bytes }), options))
  const hiding = await tried(() => client.send(new sdk.DeleteObjectCommand(object), options))
  const erasing = isVersioned ? await erase(trial, version) : hiding
  const isLost = isVersioned ? erasing === 'accepted' : overwriting === 'accepted' || erasing === 'accepted'
  const isHidden = overwriting === 'accepted' || hiding === 'accepted'
  return {
    overwriting,
    removal: hiding === 'accepted' || erasing === 'accepted' ? 'accepted' : 'refused',
    remains: isLost ? 'no' : isHidden ? 'as a version' : 'in place',
  }
}

/** A version goes with a bypass of governance, or without: who may not bypass may still delete what is not locked. */
async function erase({ sdk, client, object, options }: Trial, VersionId: string): Promise<'accepted' | 'refused'> {
  const remove = (input: Partial<DeleteObjectCommandInput>) =>
    tried(() => client.send(new sdk.DeleteObjectCommand({ ...object, VersionId, ...input }), options))
  const bypassed = await remove({ BypassGovernanceRetention: true })
  return bypassed === 'accepted' ? bypassed : remove({})
}

async function tried(work: () => Promise<unknown>): Promise<'accepted' | 'refused'> {
  try {
    await work()
    return 'accepted'
  } catch (error) {
    const { status } = s3Failure(error)
    if (status === 403 || status === 405) return 'refused'
    throw error
  }
}
