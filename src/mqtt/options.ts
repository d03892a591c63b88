// From the settings of [mqtt] to the options of mqtt.js. Secrets are read only here, at each try to connect. So a password
// that was changed in its file is used without a restart, and no secret is part of a log line or a status.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { IClientOptions } from 'mqtt';
import { fail, sentenceOf } from '../base/errors.js';
import { inBrackets } from '../base/place.js';
import { decodeText, onlyLine } from '../base/text.js';
import { type BrokerAddress, readBrokerAddress } from '../config/broker-address.js';
import { certificateFault } from '../config/mqtt-rules.js';

/** MQTT 5 or 3.1.1, with the numbers of the CONNECT packet. */
export type ProtocolVersion = 4 | 5;

/** Address of the broker and credentials of this room: the section [mqtt] of the configuration. Absent values are null. */
export interface BrokerOptions {
  /** `mqtt://`, `mqtts://`, `ws://` or `wss://`, host, port; without user or password. */
  readonly url: string;
  /** 5 falls back to 3.1.1 automatically if the broker does not support 5. 4 is 3.1.1 from the start. */
  readonly protocol: ProtocolVersion;
  readonly clientId: string | null;
  readonly username: string | null;
  readonly password: string | null;
  /** File that holds the password, without its trailing newline. It takes precedence over `password`. */
  readonly passwordFile: string | null;
  /** PEM files; the system's authorities where `caFile` is null. */
  readonly caFile: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
  /** Name in the broker's certificate, if it differs from the host of the url. */
  readonly servername: string | null;
  /** false accepts any certificate: the connection is encrypted but the broker is not authenticated. */
  readonly verify: boolean;
  /** A connection that is silent for one and a half of these is dead, for this room and for the broker. */
  readonly keepaliveMs: number;
}

/** The client id of this room, and the will that the broker publishes when it loses the connection. */
export interface Identity {
  readonly clientId: string;
  /** Retained and of QoS 1, unless the broker refuses that. */
  readonly will: { readonly topic: string; readonly payload: string; readonly qos?: 0 | 1; readonly retain?: boolean };
  /** How long the broker waits for a reconnect before it publishes the will (MQTT 5). In 3.1.1 it never waits. */
  readonly willDelaySeconds: number;
}

/** Largest message, received or sent, bytes. Every message of roomkin is much smaller, and brokers refuse 2,000,000 and more. */
export const maxPayloadBytes: number = 256 * 1024;

/** Name of the systemd credential (`LoadCredential=`) that holds the password. */
export const passwordCredential = 'mqtt-password';

const maxSecretBytes = 1024 * 1024;
const connectTimeoutMs = 8_000;

/** Throws CONFIG_INVALID or KEY_FILE for settings that can never work; reads each file once. */
export function checkBrokerOptions(options: BrokerOptions): void {
  addressOf(options);
  const certificate = certificateFault(options.certFile, options.keyFile);
  if (certificate !== null) throw fail('CONFIG_INVALID', `mqtt.${certificate.key}: ${certificate.text}`);
  secrets(options);
}

/**
 * A will, and a farewell in its place, expire after a year. The broker passes on what is left of it (MQTT 5.0, 3.3.2.3.3), so the next
 * run learns how long ago this one ended, also where the clock was wrong.
 */
export const willExpirySeconds = 31_536_000;

/** Errors: CONFIG_INVALID. */
export function addressOf(options: Pick<BrokerOptions, 'url'>): BrokerAddress {
  const address = readBrokerAddress(options.url);
  if ('fault' in address) throw fail('CONFIG_INVALID', `mqtt.url: ${address.fault}`);
  return address;
}

/** Options for one connection of mqtt.js. Throws KEY_FILE if a file named in `broker` cannot be read. */
export function clientOptions(broker: BrokerOptions, version: ProtocolVersion, identity: Identity): IClientOptions {
  const { topic, payload, qos = 1, retain = true } = identity.will;
  const will = { topic, payload: Buffer.from(payload), qos, retain } as const;
  const { protocol, host, port, path } = addressOf(broker);
  const isWebSocket = protocol.startsWith('ws');
  const common: IClientOptions = {
    ...secrets(broker),
    // Not as an address: mqtt.js reads no zone of an IPv6 address. Of these parts it makes the address of a WebSocket.
    protocol,
    hostname: isWebSocket ? inBrackets(host) : host,
    port,
    ...(isWebSocket ? { path: path === '' ? '/' : path } : {}),
    protocolVersion: version,
    clientId: identity.clientId,
    keepalive: Math.max(1, Math.round(broker.keepaliveMs / 1000)),
    reschedulePings: false, // only an answer to a ping, not a publish, proves that the connection is not half-open
    connectTimeout: connectTimeoutMs,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
  };
  if (version === 4) return { ...common, clean: true, will };
  // A will is delayed only while the session lives, and a clean start would end the session (MQTT 5.0, 3.1.2.5 and 3.1.3.2.2).
  return {
    ...common,
    clean: false,
    will: {
      ...will,
      properties: { willDelayInterval: identity.willDelaySeconds, messageExpiryInterval: willExpirySeconds },
    },
    properties: {
      sessionExpiryInterval: identity.willDelaySeconds,
      receiveMaximum: 20,
      maximumPacketSize: maxPayloadBytes,
    },
  };
}

function secrets(options: BrokerOptions): IClientOptions {
  const password = readPassword(options);
  return {
    ...(options.username === null ? {} : { username: options.username }),
    // MQTT 3.1.1 forbids a password without a user name (section 3.1.2.9).
    ...(password === null || options.username === null ? {} : { password }),
    ...(options.caFile === null ? {} : { ca: readSecret(options.caFile, 'mqtt.ca_file') }),
    ...(options.certFile === null ? {} : { cert: readSecret(options.certFile, 'mqtt.cert_file') }),
    ...(options.keyFile === null ? {} : { key: readSecret(options.keyFile, 'mqtt.key_file') }),
    ...(options.servername === null ? {} : { servername: options.servername }),
    rejectUnauthorized: options.verify,
  };
}

/** `host:port`, for messages. */
export function brokerName(options: BrokerOptions): string {
  const { host, port } = addressOf(options);
  return `${inBrackets(host)}:${port}`;
}

function readPassword(options: BrokerOptions): string | null {
  if (options.passwordFile !== null) {
    return secretText(readSecret(options.passwordFile, 'mqtt.password_file'), options.passwordFile);
  }
  if (options.password !== null) return options.password;
  const folder = process.env['CREDENTIALS_DIRECTORY'];
  if (folder === undefined) return null;
  let bytes: Buffer;
  try {
    bytes = readFileSync(join(folder, passwordCredential));
  } catch {
    return null; // the systemd unit has credentials but no password: the broker needs none
  }
  return secretText(bytes, join(folder, passwordCredential));
}

function readSecret(file: string, key: string): Buffer {
  try {
    const bytes = readFileSync(file);
    if (bytes.length > maxSecretBytes) throw new Error('more than 1 MB');
    return bytes;
  } catch (cause) {
    const why = sentenceOf(cause);
    throw fail('KEY_FILE', `${key}: '${file}' cannot be read (${why}); check the path and its owner.`, cause);
  }
}

/** The text of a file with a password. The error does not quote it. Errors: KEY_FILE. */
function secretText(bytes: Buffer, file: string): string {
  const text = decodeText(bytes);
  const line = typeof text === 'string' ? onlyLine(text) : text;
  if (typeof line === 'string') return line;
  const advice = 'a password with blanks around it belongs into mqtt.password';
  throw fail('KEY_FILE', `${file}:${line.line}: ${line.fault} (${advice})`);
}
