// The address of a network camera. People copy the password of a camera into it as it is, with `/`, `#` or `@`. So the host is found
// behind the password, and the password is encoded for ffmpeg. And no part of it may be shown: ffmpeg prints addresses, whole and in
// parts, encoded and decoded.

import { inBrackets, readPlace } from '../base/place.js';
import { unwrapped } from '../base/text.js';

const addressPattern = /^([a-z][a-z0-9+.-]*:\/\/)(.*)$/is;
const hostPattern = String.raw`(?:\[[^\]\s]+\]|[\p{L}\p{N}_.-]+)(?::\d{1,5})?`;

export interface Address {
  /** The address as ffmpeg takes it. */
  readonly address: string;
  /** `line` without the secrets of the address. */
  redact(line: string): string;
}

/** Whether a camera's input is an address; else it is a file or a device. */
export function isAddress(input: string): boolean {
  return addressPattern.test(input);
}

/** `input` as it is meant: an address and a device without what was pasted around them. A file may have any name. */
export function cameraInput(input: string): string {
  const bare = unwrapped(input);
  return isAddress(bare) || bare.startsWith('/dev/') || bare === '' ? bare : input;
}

/** Protocols that an address may have: those that ffmpeg is allowed to open (ffmpeg.ts). */
const schemes: ReadonlySet<string> = new Set(
  'rtsp rtsps http https rtmp rtmps rtp srtp udp tcp tls'.split(' ').map((scheme) => `${scheme}://`),
);
/** These may listen, at any address of this machine. */
const mayListen = /^(udp|rtp|srtp|tcp|tls):/i;
/** An address whose scheme was forgotten: an IP address, a host with a port, a name of a local network, a login. */
const withoutScheme =
  /^(?:\[[^\]]*:[^\]]*\]|\d{1,3}(?:\.\d{1,3}){3}|[\p{L}\p{N}_.-]+:\d+(?=\/|$)|[\p{L}\p{N}_-]+\.(?:local|lan|home|fritz\.box)(?=[/:]|$)|[^\s/@:]+:[^\s]*@[\p{L}\p{N}[])/iu;

const pleaseWrite = 'write it as rtsp://user:password@host:554/path or http://host/path';

/** Why `input` cannot be used, in words that do not quote it; null if it can. */
export function addressFault(input: string): string | null {
  if (/^(rtsps?|rtmps?|https?)(:\/?|\/\/)(?!\/)/i.test(input) && !isAddress(input))
    return `a colon and two slashes follow the scheme: ${pleaseWrite}`;
  if (!isAddress(input))
    return withoutScheme.test(input)
      ? `an address begins with rtsp://, http:// or https://: ${pleaseWrite}; for a file write ./ before its name`
      : null;
  const parts = split(input);
  const [scheme = ''] = /^[^:]*:\/\//.exec(input.toLowerCase()) ?? [];
  if (scheme === 'file://') return 'write the path of the file without file://';
  if (!schemes.has(scheme)) return `no camera is read from ${scheme.slice(0, 23)}: ${pleaseWrite}`;
  if (parts !== null) {
    const place = readPlace(parts.place);
    const isOpen =
      mayListen.test(input) && /^(:\d+)?$/.test(parts.place) && !('fault' in readPlace(`host${parts.place}`));
    return 'fault' in place && !isOpen ? `${place.fault}: ${pleaseWrite}` : null;
  }
  return 'it is not clear where the password ends and the host begins: in the user name and password write / as %2F, @ as %40, : as %3A, # as %23, ? as %3F and % as %25; in the path write @ as %40';
}

/** Reads any input. A file, a device and an address that `addressFault` refuses are taken as they are. */
export function readAddress(input: string): Address {
  const parts = split(input);
  if (parts === null) return { address: input, redact: redactor(input, null) };
  const { scheme, userinfo, place, rest } = parts;
  const query = rest.indexOf('?');
  const path = query < 0 ? rest : rest.slice(0, query);
  // A fragment has no meaning for a camera, but `#` and `%` occur in passwords.
  const sentQuery = query < 0 ? '' : rest.slice(query).replace(/#|%(?![0-9a-f]{2})/gi, percent);
  const sentUser = userinfo === null ? '' : `${userinfo.replace(/%(?![0-9a-f]{2})|[^\w.~!$&()*+,;=%:-]/giu, percent)}@`;
  return {
    address: `${scheme.toLowerCase()}${sentUser}${sentPlace(place)}${path}${sentQuery}`,
    redact: redactor(input, parts),
  };
}

/** Host names in ASCII, as ffmpeg takes them. */
function sentPlace(place: string): string {
  const read = readPlace(place);
  if ('fault' in read) return place;
  return `${inBrackets(read.host)}${read.port === null ? '' : `:${read.port}`}`;
}

interface Parts {
  readonly scheme: string;
  /** As it was written; null without one. */
  readonly userinfo: string | null;
  /** Host and port. */
  readonly place: string;
  /** Path and query. */
  readonly rest: string;
}

/** null: no address, or one that can be read in two ways. */
function split(input: string): Parts | null {
  const [, scheme, body] = addressPattern.exec(input) ?? [];
  if (scheme === undefined || body === undefined) return null;
  const cut = (at: number, end: number): Parts => ({
    scheme,
    userinfo: at < 0 ? null : body.slice(0, at),
    place: body.slice(at + 1, end),
    rest: body.slice(end),
  });
  const endOf = (from: number): number => {
    const end = body.slice(from).search(/[/?#]/);
    return end < 0 ? body.length : from + end;
  };
  // By the standard: the host ends at the first slash, and begins after the last @ before it.
  const end = endOf(0);
  const authority = body.slice(0, end);
  const at = authority.lastIndexOf('@');
  const standard = cut(at, end);
  const place = /^(?:\[[^\]\s]+\]|[^\s@:[\]]*)(?::(\d{1,5}))?$/.exec(standard.place);
  const isStandard = place !== null && Number(place[1] ?? 0) <= 65_535;
  // The other reading: a slash, ? or # belongs to the password, and the host follows a later @. Not in the values of a query.
  const query = /\?[\w.-]+=/.exec(body)?.index ?? body.length;
  const others = [...body.matchAll(new RegExp(`@(?=${hostPattern}(?:[/?#]|$))`, 'gu'))]
    .map(({ index }) => cut(index, endOf(index)))
    .filter(({ userinfo }) => userinfo!.length > end && userinfo!.length < query && userinfo!.includes(':'));
  const only = (readings: readonly Parts[]): Parts | null => (readings.length === 1 ? readings[0]! : null);
  const certain = others.filter(({ place }) =>
    isStandard && at < 0 ? isNumeric(place) : isNumeric(place) || isNamed(place),
  );
  if (isStandard) {
    const clear =
      others.length === 0 || !authority.includes(':') || isNumeric(standard.place) || isNamed(standard.place);
    return clear ? standard : only(certain);
  }
  if (!body.includes('@') || (at >= 0 && others.length === 0)) return standard;
  return only(certain) ?? only(others);
}

/** An IP address. */
function isNumeric(place: string): boolean {
  return place.startsWith('[') || /^\d{1,3}(\.\d{1,3}){3}(:|$)/.test(place);
}

/** A name with a dot. A name without one, or nothing at all, may be a part of a password. */
function isNamed(place: string): boolean {
  return /^([\p{L}\p{N}_-]+(\.[\p{L}\p{N}_-]+)+\.?|localhost)(:|$)/u.test(place);
}

// What may be shown.

const keyOfSecret = /pass|pwd|pw$|psw|token|key|secret|auth|sig|user|usr|login|account|code/i;
/** A value of another key that may be a secret: `channel=1` is none. Characters. */
const leastSecret = 4;

/** Hides the address, its parts in every encoding, and logins in other addresses (a redirection). `parts` null: not understood. */
function redactor(input: string, parts: Parts | null): (line: string) => string {
  const secrets = isAddress(input) ? secretsOf(input, parts) : [];
  const whole = secrets.length === 0 ? null : anyEncoding(input);
  const shown = parts === null ? 'the address' : `${parts.scheme}${parts.place}/***`;
  const patterns = secrets.map(anyEncoding);
  return (line) => {
    const withoutAddress = whole === null ? line : line.replace(whole, () => shown);
    const withoutLogins = withoutAddress
      .replace(/([a-z][a-z0-9+.-]*:\/\/)[^/\s]*@/gi, '$1***@')
      .replace(/([a-z][a-z0-9+.-]*:\/\/[^\s?]*)\?[^\s'"]+/gi, '$1?***');
    return patterns.reduce((text, pattern) => text.replace(pattern, '***'), withoutLogins);
  };
}

/** Longest first, so that no rest of a longer one stays. */
function secretsOf(input: string, parts: Parts | null): string[] {
  const secrets = parts === null ? input.split(/[/?#@:&=]/).filter(({ length }) => length > 2) : partsToHide(parts);
  return [...new Set(secrets)].filter((secret) => secret !== '').sort((a, b) => b.length - a.length);
}

function partsToHide({ userinfo, rest }: Parts): string[] {
  const [path = '', query = ''] = rest.split(/\?(.*)/s);
  // Some cameras take the login in the path (`user=a&password=b`, `user=a_password=b_channel=1`), others a token.
  const segments = path
    .split('/')
    .filter((segment) => segment.includes('=') || /^(?=.*[a-z])(?=.*\d)[\w-]{8,}$/i.test(segment));
  const pairs = [
    ...query.split(/[&;]/),
    ...segments.flatMap((segment) => [...segment.split('&'), ...segment.split('_')]),
  ];
  const values = pairs.flatMap((pair) => {
    const [key = '', value = ''] = pair.split(/=(.*)/s);
    return keyOfSecret.test(key) || value.length >= leastSecret ? [value] : [];
  });
  const wholes = query === '' && segments.length === 0 ? [] : [rest, query];
  if (userinfo === null) return [...wholes, ...segments, ...values];
  const [user = '', password = ''] = userinfo.split(/:(.*)/s);
  const basic = Buffer.from(`${decoded(user)}:${decoded(password)}`).toString('base64');
  return [...wholes, ...segments, ...values, userinfo, user, password, basic];
}

/** Matches `text` with any of its characters percent-encoded or not. A short one only where it is a word of its own. */
function anyEncoding(text: string): RegExp {
  const plain = decoded(text);
  const either = Array.from(plain, (c) => `(?:${c.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')}|${percent(c)})`).join('');
  const isWord = plain.length < leastSecret;
  return new RegExp(isWord ? `(?<![\\p{L}\\p{N}])${either}(?![\\p{L}\\p{N}])` : either, 'giu');
}

function percent(text: string): string {
  return Array.from(Buffer.from(text), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}

/** `text` with what is percent-encoded in it decoded; a `%` that begins no code stays. */
function decoded(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (codes) => {
    const bytes = Buffer.from(codes.replaceAll('%', ''), 'hex');
    const characters = bytes.toString('utf8');
    return Buffer.from(characters).equals(bytes) ? characters : codes;
  });
}
