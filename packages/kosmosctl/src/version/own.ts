import metadata from '../../package.json' with { type: 'json' }

/** The version of this kosmosctl. */
export function ownVersion(): string {
  return metadata.version
}
