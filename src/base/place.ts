// The host and the port of an address that a person wrote: of a broker or a camera.
import { isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';

export interface Place {
  /** A name in ASCII (`xn--bcher-kva.example`), an IPv4 address, or an IPv6 address without brackets, with its zone (`fe80::1%eth0`). */
  readonly host: string;
  /** null: not given. */
  readonly port: number | null;
}

/** Why a text is no host with a port, in words that do not quote it. */
export interface PlaceFault {
  readonly fault: string;
}

/** Longest name of a host, and of a part between two dots (RFC 1035, 2.3.4). */
const [mostCharacters, mostOfLabel] = [253, 63];

/** Reads `host`, `host:port`, `[IPv6]` or `[IPv6]:port`. A zone is accepted as `%eth0` and as `%25eth0` (RFC 6874). */
export function readPlace(text: string): Place | PlaceFault {
  const [, inner, behind] = /^\[([^\]]*)\](.*)$/s.exec(text) ?? [];
  if (inner !== undefined && behind !== undefined) {
    const host = inner.replace(/%25(?=.)/, '%').toLowerCase();
    if (!isIPv6(host) || /%.*[^\w.-]/.test(host)) return { fault: 'the brackets hold no IPv6 address' };
    if (behind !== '' && !behind.startsWith(':')) return { fault: 'a colon and the port may follow the brackets' };
    return withPort(inner.includes('%') ? zoneAsWritten(host, inner) : host, behind.slice(1));
  }
  if (/:.*:/s.test(text)) return { fault: 'write an IPv6 address in brackets, such as [fe80::1%eth0]' };
  const [written = '', port = ''] = text.split(':');
  const host = hostOf(written);
  return typeof host === 'string' ? withPort(host, port) : host;
}

/** Names of interfaces differ in case. */
function zoneAsWritten(host: string, inner: string): string {
  return host.replace(/%.*/, inner.slice(inner.indexOf('%')).replace(/^%25(?=.)/, '%'));
}

function hostOf(written: string): string | PlaceFault {
  if (written === '') return { fault: 'the name of the host is missing' };
  const host = domainToASCII(written);
  const labels = host.replace(/\.$/, '').split('.');
  // Each part that is a number makes it an IPv4 address, and domainToASCII refuses those that are none.
  const isNumeric = /^[\d.]+$/.test(written);
  if (isNumeric && !isIPv4(written)) return { fault: 'an IPv4 address has four numbers from 0 to 255' };
  const isName =
    host.length <= mostCharacters &&
    labels.every((label) => /^[a-z0-9_-]+$/.test(label) && label.length <= mostOfLabel);
  return isName ? host : { fault: 'the name of the host has a character that no such name has, or is too long' };
}

function withPort(host: string, port: string): Place | PlaceFault {
  if (port === '') return { host, port: null };
  const number = Number(port);
  const isPort = /^\d{1,5}$/.test(port) && number >= 1 && number <= 65_535;
  return isPort ? { host, port: number } : { fault: 'the port must be a number from 1 to 65535' };
}

/** The host as it is written in an address. */
export function inBrackets(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
