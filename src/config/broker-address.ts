// The address of the broker: what people write, read as they mean it. The loader, `roomkin setup` and the MQTT client use the same rules.
import { inBrackets, readPlace } from '../base/place.js';
import { unwrapped } from '../base/text.js';

export interface BrokerAddress {
  readonly protocol: 'mqtt' | 'mqtts' | 'ws' | 'wss';
  /** IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** Of a WebSocket, with its query: `/mqtt`. Else empty. */
  readonly path: string;
}

/** Why a text is not the address of a broker, and what to write instead. It does not quote what may be a password. */
export interface BrokerAddressFault {
  readonly fault: string;
}

/** `tcp` and `ssl` are written by other MQTT programs. */
const protocols: Readonly<Record<string, BrokerAddress['protocol']>> = {
  mqtt: 'mqtt',
  tcp: 'mqtt',
  mqtts: 'mqtts',
  ssl: 'mqtts',
  tls: 'mqtts',
  ws: 'ws',
  wss: 'wss',
};
const ports: Readonly<Record<BrokerAddress['protocol'], number>> = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 };

const example = 'use mqtt://host:1883 or mqtts://host:8883';
const loginInKeys = 'put user and password into mqtt.username and mqtt.password_file, not into the url';

/** Characters: more than any address has. */
const mostCharacters = 1024;

/** Without a scheme it is `mqtt`, or `mqtts` at its port. `loginCure`: what to do with a user and a password in the address. */
export function readBrokerAddress(written: string, loginCure = loginInKeys): BrokerAddress | BrokerAddressFault {
  const text = unwrapped(written);
  if (text === '') return { fault: `the address is empty: ${example}` };
  if (text.length > mostCharacters) return { fault: `at most ${mostCharacters} characters: ${example}` };
  // A password may have a slash or a question mark. The query of a WebSocket may have an @.
  if ((/^wss?:/i.test(text) ? /^[^?]*@/s : /@/).test(text)) return { fault: loginCure };
  if (
    /^[a-z]+(:\/?|\/\/)(?![\d/])/i.test(text) &&
    /^(mqtts?|wss?|tcp|ssl|tls|https?)\W/i.test(text) &&
    !text.includes('://')
  )
    return { fault: `a colon and two slashes follow the scheme: ${example}` };
  const [, scheme = null, body = text] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(text) ?? [];
  const [, host = '', path = ''] = /^([^/?#\\]*)(.*)$/s.exec(body) ?? [];
  const place = readPlace(host);
  if ('fault' in place) return { fault: `${place.fault}: ${example}` };
  const bare = inBrackets(place.host);
  if (scheme !== null && protocols[scheme.toLowerCase()] === undefined) {
    const cure = `write mqtt://${bare}:1883`;
    if (/^https?$/i.test(scheme))
      return { fault: `${scheme.toLowerCase()}:// is for web pages, not for a broker: ${cure}` };
    return { fault: `no broker has the scheme ${scheme.slice(0, 20)}://: ${cure}` };
  }
  const shipped = place.port === ports.mqtts ? 'mqtts' : 'mqtt';
  const protocol = scheme === null ? shipped : protocols[scheme.toLowerCase()]!;
  const isWebSocket = protocol === 'ws' || protocol === 'wss';
  const port = place.port ?? ports[protocol];
  if (isWebSocket && place.host.includes('%'))
    return { fault: `a zone (%) is for mqtt:// and mqtts:// only: use mqtt://${bare}:1883` };
  if (path === '' || path === '/') return { protocol, host: place.host, port, path: '' };
  if (!isWebSocket) return { fault: `nothing may follow host and port: write ${protocol}://${bare}:${port}` };
  if (!/^[/?][\x21-\x7e]*$/.test(path) || /[#\\]/.test(path))
    return { fault: 'encode the characters of the path that are not ASCII, # as %23 and \\ as %5C' };
  return { protocol, host: place.host, port, path: path.startsWith('/') ? path : `/${path}` };
}

/** Always in the same form, with a port: `mqtt://[fe80::1%eth0]:1883`. */
export function brokerUrl({ protocol, host, port, path }: BrokerAddress): string {
  return `${protocol}://${inBrackets(host)}:${port}${path}`;
}
