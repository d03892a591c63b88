// The wire to the broker, which may be away for a second or a month without anybody noticing but a log line.
// Invariant: nothing is ever queued. Each try is a fresh mqtt.js client (its own reconnecting, its offline queue and its store
// of unacknowledged packets would replay old events as new); what must be true after a reconnect is kept as the last value of
// its topic and sent again by `resend`, and a message of the moment is sent now or not at all.

import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type MqttClient } from 'mqtt';
import type { Log } from '../base/log.js';
import { type BackoffOptions, createBackoff } from '../base/retry.js';
import {
  type BrokerOptions,
  brokerName,
  checkBrokerOptions,
  clientOptions,
  type Identity,
  maxPayloadBytes,
  type ProtocolVersion,
} from './options.js';

export interface MqttConnectionOptions extends Identity {
  readonly broker: BrokerOptions;
  readonly subscriptions: readonly string[];
  /** A fresh connection: announce, then `resend`. Called before any message arrives. */
  onConnect(): void;
  /** `retained`: the broker replays it from before our subscription. */
  onMessage(topic: string, payload: Buffer, retained: boolean): void;
}

export interface ConnectionStatus {
  readonly connected: boolean;
  /** `host:port`. */
  readonly broker: string;
  readonly protocol: '5' | '3.1.1';
  /** Why there is no connection; null while there is one, or before the first try ended. */
  readonly fault: string | null;
  /** Connections made since the start. */
  readonly connects: number;
  /** Messages of the moment that were not sent because there was no connection. */
  readonly dropped: number;
}

export interface MqttConnection {
  /** Begins to connect and returns at once. Throws CONFIG_INVALID or KEY_FILE for settings that can never work. */
  start(): void;
  /** Says the `farewell` values (at most 2 s), disconnects without a will. */
  stop(farewell: readonly (readonly [topic: string, payload: string])[]): Promise<void>;
  /** The last value of a topic: retained, QoS 1, sent now and by each `resend`. */
  keep(topic: string, payload: string): void;
  /** Every kept value, in the order in which the topics were first kept. */
  resend(): void;
  /** A message of the moment; false where it was dropped. QoS 1 messages expire after 60 s with MQTT 5. */
  send(topic: string, payload: string | Uint8Array, qos: 0 | 1): boolean;
  /** Retained, QoS 1, not kept; resolves true when the broker has taken it, false when it never will. */
  deliver(topic: string, payload: string | Uint8Array): Promise<boolean>;
  status(): ConnectionStatus;
}

/** Messages sent and not yet acknowledged; more means that the broker is stuck. */
const maxInFlight = 100;
/**
 * The wait grows, so that a dead broker is left in peace, and is scattered, so that the rooms of a household do not all come back
 * in the same moment after a power cut. It never grows past what a person would wait for.
 */
export const reconnecting: BackoffOptions = { firstMs: 500, mostMs: 8_000, jitter: 0.25 };

const farewellMs = 2_000;
const steadyMs = 10_000;
const remindMs = 600_000;
const eventExpirySeconds = 60;

interface SessionEnd {
  readonly error: unknown;
  /** Null where the broker never accepted us. */
  readonly livedMs: number | null;
}

/** A connection that is not started yet. */
export function createMqttConnection(options: MqttConnectionOptions, log: Log): MqttConnection {
  const kept = new Map<string, string>();
  const stopping = new AbortController();
  let client: MqttClient | null = null; // the one that the broker has accepted
  let pending: MqttClient | null = null; // the one that is trying or connected
  let version: ProtocolVersion = options.broker.protocol;
  let running: Promise<void> | null = null;
  let fault: string | null = null;
  let faultLoggedAt = 0;
  let [connects, dropped] = [0, 0];
  /** Settles a message of this connection that the broker has not taken yet. */
  const inFlight = new Set<(taken: boolean) => void>();

  async function run(): Promise<void> {
    const reconnects = createBackoff(reconnecting);
    while (!stopping.signal.aborted) {
      const end = await session();
      if (stopping.signal.aborted) return;
      if ((end.livedMs ?? 0) > steadyMs) reconnects.reset();
      const waitMs = reconnects.failed();
      report(end);
      const retryAtOnce = chooseVersion(end);
      await sleep(retryAtOnce ? 0 : waitMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  /** MQTT 5 first; 3.1.1 where 5 was refused, or next in turn where the broker hung up without a word (old ones do). */
  function chooseVersion(end: SessionEnd): boolean {
    if (options.broker.protocol === 4) return false;
    const { unsupportedVersion } = explainFault(end.error);
    if (version === 5 && unsupportedVersion) {
      log('notice', `the broker ${brokerName(options.broker)} does not speak MQTT 5: using 3.1.1`);
      version = 4;
      return true;
    }
    const hungUp = end.livedMs === null && end.error === null;
    if (hungUp) version = version === 5 ? 4 : 5;
    return false;
  }

  async function session(): Promise<SessionEnd> {
    let error: unknown = null;
    let acceptedAt: number | null = null;
    let mine: MqttClient;
    try {
      mine = connect(options.broker.url, clientOptions(options.broker, version, options));
    } catch (cause) {
      return { error: cause, livedMs: null }; // a secret that cannot be read any more
    }
    pending = mine;
    mine.on('connect', () => {
      acceptedAt = performance.now();
      client = mine;
      fault = null;
      connects += 1;
      log('info', `connected to the broker ${brokerName(options.broker)}`, { mqtt: version === 5 ? '5' : '3.1.1' });
      options.onConnect();
      subscribe(mine);
    });
    mine.on('message', (topic, payload, packet) => options.onMessage(topic, payload, packet.retain));
    mine.on('disconnect', (packet) => {
      error ??= { code: packet.reasonCode ?? 0 };
    });
    mine.on('error', (cause) => {
      error ??= cause;
      mine.end(true); // a garbled packet is an error without a close
    });
    await new Promise<void>((resolve) => {
      mine.once('close', resolve);
      mine.once('end', resolve);
    });
    client = null;
    for (const settle of inFlight) settle(false);
    mine.end(true);
    return { error, livedMs: acceptedAt === null ? null : performance.now() - acceptedAt };
  }

  function subscribe(to: MqttClient): void {
    to.subscribe([...options.subscriptions], { qos: 1, nl: true }, (cause, grants) => {
      const refused = (grants ?? []).filter((grant) => grant.qos >= 128).map((grant) => grant.topic);
      if (refused.length > 0)
        log('warning', `the broker lets us not subscribe to ${refused.join(', ')}: check its ACL`);
      else if (cause && client === to) log('warning', `subscribing failed: ${explainFault(cause).text}`);
    });
  }

  /** One publish on the present connection; resolves false where it was refused or cut off. */
  function publish(topic: string, payload: string | Uint8Array, qos: 0 | 1, retain: boolean): Promise<boolean> {
    const to = client;
    if (to === null) return Promise.resolve(false);
    const bytes = Buffer.from(payload);
    if (bytes.length > maxPayloadBytes) {
      log('warning', `a message of ${bytes.length} bytes for ${topic} was not sent: ${maxPayloadBytes} is the most`);
      return Promise.resolve(false);
    }
    const expires = version === 5 && qos === 1 && !retain;
    const properties = expires ? { messageExpiryInterval: eventExpirySeconds } : {};
    return new Promise((resolve) => {
      const settle = (taken: boolean) => {
        inFlight.delete(settle);
        resolve(taken);
      };
      inFlight.add(settle);
      to.publish(topic, bytes, { qos, retain, properties }, (cause) => {
        if (cause && client === to)
          log('warning', `the broker refused a message for ${topic}: ${explainFault(cause).text}`);
        settle(!cause);
      });
    });
  }

  function report(end: SessionEnd): void {
    const { text } = explainFault(end.error);
    const now = performance.now();
    const again = text === fault && now - faultLoggedAt < remindMs;
    if (!again) faultLoggedAt = now;
    fault = text;
    log(again ? 'debug' : 'warning', `no connection to the broker ${brokerName(options.broker)}: ${text}`);
  }

  return {
    start() {
      checkBrokerOptions(options.broker);
      running ??= run();
    },
    async stop(farewell) {
      const said = Promise.all(farewell.map(([topic, payload]) => publish(topic, payload, 1, true)));
      await Promise.race([said, sleep(farewellMs, undefined, { ref: false })]);
      stopping.abort();
      const last = pending;
      if (client !== null && last !== null) {
        const ended = last.endAsync(false, { reasonCode: 0, properties: { sessionExpiryInterval: 0 } }).catch(() => {});
        await Promise.race([ended, sleep(farewellMs, undefined, { ref: false })]);
      }
      last?.end(true);
      client = null;
      await running;
    },
    keep(topic, payload) {
      if (kept.get(topic) === payload) return;
      kept.set(topic, payload);
      void publish(topic, payload, 1, true);
    },
    resend() {
      for (const [topic, payload] of kept) void publish(topic, payload, 1, true);
    },
    send(topic, payload, qos) {
      if (client !== null && inFlight.size < maxInFlight) {
        void publish(topic, payload, qos, false);
        return true;
      }
      dropped += 1;
      return false;
    },
    deliver: (topic, payload) => publish(topic, payload, 1, true),
    status: () => ({
      connected: client !== null,
      broker: brokerName(options.broker),
      protocol: version === 5 ? '5' : '3.1.1',
      fault: client === null ? fault : null,
      connects,
      dropped,
    }),
  };
}

// What a broker's refusal means to the person who has to mend it. mqtt.js hands over three kinds: errors of the socket or of
// TLS (`code` is a string), refusals (`code` is a reason code of MQTT 5 or a return code of 3.1.1), and plain sentences.

/** Why a connection failed or ended. */
export interface BrokerFault {
  /** One sentence for the log and for `status`. */
  readonly text: string;
  /** The broker does not speak the version that was tried. */
  readonly unsupportedVersion: boolean;
}

// MQTT 3.1.1 section 3.2.2.3 (1 to 5) and MQTT 5.0 sections 3.2.2.2 and 3.14.2.1 (128 and more).
const refusals: Readonly<Record<number, string>> = {
  1: 'it does not speak this version of MQTT',
  2: 'it refuses the client id',
  3: 'it is not ready',
  4: 'wrong user name or password',
  5: 'this user may not connect',
  130: 'it saw a protocol error',
  132: 'it does not speak this version of MQTT',
  133: 'it refuses the client id',
  134: 'wrong user name or password',
  135: 'this user may not connect',
  136: 'it is not ready',
  137: 'it is busy',
  138: 'it has banned this client',
  139: 'it is shutting down',
  141: 'it heard nothing from us for too long',
  142: 'another client took over this client id: is room.id used twice?',
  144: 'it refuses a topic',
  149: 'a message was larger than it takes',
  151: 'a quota is used up',
};

const socketFaults: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there: is the broker running?',
  ECONNRESET: 'it dropped the connection',
  ENOTFOUND: 'no such host name: check mqtt.url',
  EAI_AGAIN: 'the host name cannot be looked up now: is there a network?',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no network',
  ETIMEDOUT: 'no answer',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: is the clock right?',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed: name it or its authority in mqtt.ca_file',
  SELF_SIGNED_CERT_IN_CHAIN: 'its authority is not known: name it in mqtt.ca_file',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its authority is not known: name it in mqtt.ca_file',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its authority is not known: name it in mqtt.ca_file',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name: set mqtt.servername',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'it wants a client certificate: set mqtt.cert_file and mqtt.key_file',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS there: check scheme and port of mqtt.url',
  EPROTO: 'TLS failed: check scheme and port of mqtt.url',
};

/** Explains `error`, which may be anything mqtt.js emits; null stands for a connection that just closed. */
export function explainFault(error: unknown): BrokerFault {
  if (error === null || error === undefined) return { text: 'the connection was closed', unsupportedVersion: false };
  // Node gathers the faults of a name with several addresses (::1 and 127.0.0.1) in an AggregateError.
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  const code = (first as { code?: unknown }).code;
  const message = first instanceof Error ? first.message : String(first);
  if (typeof code === 'number') {
    return { text: refusals[code] ?? `refused (reason ${code})`, unsupportedVersion: code === 1 || code === 132 };
  }
  if (typeof code === 'string')
    return { text: socketFaults[code] ?? `${message} (${code})`, unsupportedVersion: false };
  return { text: message, unsupportedVersion: false };
}
