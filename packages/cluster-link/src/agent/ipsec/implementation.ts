import { CommandFailed, type Shell } from '../shell/shell.ts'

/** What encrypts: the kernel behind an interface for its policies, or strongSwan's kernel-libipsec behind a TUN device. */
export type IpsecImplementation = 'xfrm' | 'libipsec'

/** An association of the kind that strongSwan sets up, with a key of zeros that nobody uses; and the interface. */
const probe = [
  'ip link set lo up',
  `ip xfrm state add src 127.0.0.1 dst 127.0.0.2 proto esp spi 0x4876 mode tunnel if_id 0x1 aead 'rfc4106(gcm(aes))' 0x${'0'.repeat(72)} 128 encap espinudp 4500 4500 0.0.0.0`,
  'ip link add kl-probe type xfrm dev lo if_id 0x1',
].join(' && ')

/** Whether the kernel knows ESP, tried where nobody sees it: in a network namespace that ends with the command. */
export async function findIpsecImplementation(shell: Shell): Promise<IpsecImplementation> {
  try {
    await shell.run(['unshare', '--net', 'sh', '-c', probe])
    return 'xfrm'
  } catch (error) {
    if (error instanceof CommandFailed) return 'libipsec'
    throw error
  }
}
