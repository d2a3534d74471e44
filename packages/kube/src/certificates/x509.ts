/** The library injects its dependencies by decorators, which need this polyfill to be there first. */
import 'reflect-metadata'

export * from '@peculiar/x509'
