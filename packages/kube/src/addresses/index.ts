/** Networks and addresses of both families. */
export {
  type Cidr,
  contains,
  formatAddress,
  formatCidr,
  hostBits,
  nthAddress,
  overlaps,
  parseCidr,
  translate,
} from './cidr.ts'
