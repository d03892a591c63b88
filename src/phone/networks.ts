// The addresses of this machine in local networks. A page for a phone is served on these only.
import { readFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { fail } from '../base/errors.js';

/** RFC 1918, and unique local addresses (RFC 4193). Link-local addresses of IPv6 need a zone, which browsers do not accept. */
const local = new BlockList();
local.addSubnet('10.0.0.0', 8, 'ipv4');
local.addSubnet('172.16.0.0', 12, 'ipv4');
local.addSubnet('192.168.0.0', 16, 'ipv4');
local.addSubnet('fc00::', 7, 'ipv6');

/** Networks inside this machine: of containers and virtual machines. */
const inside = /^(docker|br-|veth|virbr|vnet|lxc|cni|podman|flannel)/;

type Interfaces = ReturnType<typeof networkInterfaces>;

export function isLocal(address: string): boolean {
  const version = isIP(address);
  return version !== 0 && local.check(address, version === 4 ? 'ipv4' : 'ipv6');
}

/**
 * The addresses in local networks: those of the interface with the default route first, and IPv4 before IPv6. Errors:
 * NETWORK_MISSING where there is none.
 */
export function localAddresses(
  interfaces: Interfaces = networkInterfaces(),
  defaultName = defaultInterface(),
): string[] {
  const found = Object.entries(interfaces).flatMap(([name, entries = []]) =>
    inside.test(name) ? [] : entries.filter(({ address }) => isLocal(address)).map((entry) => ({ ...entry, name })),
  );
  const rank = ({ name, family }: (typeof found)[number]): number =>
    (name === defaultName ? 0 : 2) + (family === 'IPv4' ? 0 : 1);
  if (found.length === 0)
    throw fail(
      'NETWORK_MISSING',
      'this machine has no address in a local network: connect it to the Wi-Fi or to the router, or name one with --address',
    );
  return found.sort((a, b) => rank(a) - rank(b)).map(({ address }) => address);
}

/** The address of `--address`: one of a local network, or of this machine alone for a tunnel. Errors: USAGE. */
export function chosenAddress(address: string): string {
  const isLoopback = /^127(\.\d{1,3}){3}$/.test(address) || address === '::1';
  if (isIP(address) !== 0 && (isLoopback || isLocal(address))) return address;
  throw fail(
    'USAGE',
    `--address must be an address of this machine in a local network (192.168.1.20), not ${address}: a page is never served to the internet`,
  );
}

/** The name of the interface with the default route of IPv4; null where there is none, and outside Linux. */
function defaultInterface(): string | null {
  try {
    const routes = readFileSync('/proc/net/route', 'utf8').split('\n').slice(1);
    return routes.map((line) => line.split('\t')).find(([, destination]) => destination === '00000000')?.[0] ?? null;
  } catch {
    return null;
  }
}
