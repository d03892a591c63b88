// The connection to the broker. The broker may be away for a second or a month; a log line reports it.
// Invariant: nothing is ever queued. Each try is a fresh mqtt.js client, because mqtt.js's own reconnecting, offline queue and
// store of unacknowledged packets would replay old events as new. A value that must be true after a reconnect is kept as the
// last value of its topic and sent again by `resend`. An event is sent now or not at all.

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
  /** Topics of this room whose retained values are read at the first connection, before anything is published. */
  readonly readFirst?: readonly string[];
  /** The retained values of `readFirst`, by topic. Called once, before the first `onConnect`. */
  onRetained?(values: ReadonlyMap<string, Buffer>): void;
  /** The broker acknowledged a value of `keep`. */
  onKept?(topic: string, payload: string): void;
  /** Default `reconnecting`. */
  readonly reconnect?: BackoffOptions;
  /** Called for each new connection, before any message arrives: announce, then `resend`. */
  onConnect(): void;
  /** `retained`: the message is older than the subscription. */
  onMessage(topic: string, payload: Buffer, retained: boolean): void;
}

export interface ConnectionStatus {
  readonly connected: boolean;
  /** `host:port`. */
  readonly broker: string;
  readonly protocol: '5' | '3.1.1';
  /** Why there is no connection; null while there is one, and before the first try has failed. */
  readonly fault: string | null;
  /** Connections made since the start. */
  readonly connects: number;
  /** Messages passed to `send` that were dropped because there was no connection. */
  readonly dropped: number;
}

export interface MqttConnection {
  /** Starts to connect and returns at once. Throws CONFIG_INVALID or KEY_FILE for settings that can never work. */
  start(): void;
  /** Publishes the `farewell` values (at most 2 s), then disconnects without triggering the will. */
  stop(farewell: readonly (readonly [topic: string, payload: string])[]): Promise<void>;
  /** Sets the value of a topic: retained, QoS 1, sent now and by each `resend`. */
  keep(topic: string, payload: string): void;
  /** Sends every kept value again, in the order in which the topics were first set. */
  resend(): void;
  /** Sends a message now; false if it was dropped. QoS 1 messages expire after 60 s with MQTT 5. */
  send(topic: string, payload: string | Uint8Array, qos: 0 | 1): boolean;
  /**
   * Sends a retained QoS 1 message, which is not kept. Resolves true when the broker acknowledged it, false when it was refused
   * or cut off.
   */
  deliver(topic: string, payload: string | Uint8Array): Promise<boolean>;
  status(): ConnectionStatus;
}

/** Most messages that are sent and not yet acknowledged. More would mean that the broker is stuck. */
const maxInFlight = 100;
/**
 * The wait grows, so that a dead broker is left in peace, and is scattered, so that the rooms of a household do not all come back
 * in the same moment after a power cut. It never grows past what a person would wait for.
 */
export const reconnecting: BackoffOptions = { firstMs: 500, mostMs: 8_000, jitter: 0.25 };

const farewellMs = 2_000;
/** A broker that accepted the connection answers a subscription within this time, milliseconds. */
const answerWithinMs = 10_000;
const steadyMs = 10_000;
const remindMs = 600_000;
const eventExpirySeconds = 60;

interface SessionEnd {
  readonly error: unknown;
  /** How long the connection lasted, ms; null if the broker never accepted it. */
  readonly livedMs: number | null;
}

/** A connection that is not started yet. */
export function createMqttConnection(options: MqttConnectionOptions, log: Log): MqttConnection {
  const values = new Map<string, string>();
  const stopping = new AbortController();
  let client: MqttClient | null = null; // accepted by the broker
  let pending: MqttClient | null = null; // connecting or accepted
  let version: ProtocolVersion = options.broker.protocol;
  let running: Promise<void> | null = null;
  let fault: string | null = null;
  let faultLoggedAt = 0;
  let [connects, dropped] = [0, 0];
  /** One function per unacknowledged message of this connection. It settles the message. */
  const inFlight = new Set<(acknowledged: boolean) => void>();

  async function run(): Promise<void> {
    const reconnects = createBackoff(options.reconnect ?? reconnecting);
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

  /**
   * MQTT 5 first. 3.1.1 where 5 was refused. The other version next where the broker closed the connection without a reason,
   * as old brokers do. Returns whether to try again at once.
   */
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
    let attempt: MqttClient;
    try {
      attempt = connect(options.broker.url, clientOptions(options.broker, version, options));
    } catch (cause) {
      return { error: cause, livedMs: null }; // a password or certificate file can no longer be read
    }
    pending = attempt;
    const retained = new Map<string, Buffer>();
    const accept = (): void => {
      client = attempt;
      fault = null;
      connects += 1;
      log('info', `connected to the broker ${brokerName(options.broker)}`, { mqtt: version === 5 ? '5' : '3.1.1' });
      options.onConnect();
      subscribe(attempt);
    };
    attempt.on('connect', () => {
      acceptedAt = performance.now();
      if (connects > 0 || (options.readFirst ?? []).length === 0) return accept();
      readRetained(attempt).then(
        () => {
          if (attempt !== pending || !attempt.connected) return;
          options.onRetained?.(retained);
          accept();
        },
        (cause: unknown) => {
          error ??= cause;
          attempt.end(true);
        },
      );
    });
    attempt.on('message', (topic, payload, packet) => {
      if (client === attempt) options.onMessage(topic, payload, packet.retain);
      else retained.set(topic, payload);
    });
    attempt.on('disconnect', (packet) => {
      error ??= { code: packet.reasonCode ?? 0 };
    });
    attempt.on('error', (cause) => {
      error ??= cause;
      attempt.end(true); // a malformed packet is an error without a close
    });
    await new Promise<void>((resolve) => {
      attempt.once('close', resolve);
      attempt.once('end', resolve);
    });
    client = null;
    for (const settle of inFlight) settle(false);
    attempt.end(true);
    return { error, livedMs: acceptedAt === null ? null : performance.now() - acceptedAt };
  }

  /**
   * Has the broker send the retained values of `readFirst`. It sends them before it answers the unsubscribing, since it handles
   * the packets of a connection in order (MQTT 5.0 section 4.6).
   */
  async function readRetained(target: MqttClient): Promise<void> {
    const topics = [...(options.readFirst ?? [])];
    const timeout = AbortSignal.timeout(answerWithinMs);
    const silent = new Promise<never>((_, reject) => {
      timeout.addEventListener('abort', () => reject(new Error('it accepts the connection and then does not answer')));
      target.once('close', () => reject(new Error('the connection was closed')));
    });
    silent.catch(() => {});
    // Without the right to read them, there are none.
    await Promise.race([target.subscribeAsync(topics, { qos: 1 }).catch(() => {}), silent]);
    await Promise.race([target.unsubscribeAsync(topics).catch(() => {}), silent]);
  }

  function subscribe(target: MqttClient): void {
    target.subscribe([...options.subscriptions], { qos: 1, nl: true }, (cause, grants) => {
      const refused = (grants ?? []).filter((grant) => grant.qos >= 128).map((grant) => grant.topic);
      if (refused.length > 0)
        log('warning', `the broker does not let this room subscribe to ${refused.join(', ')}: check its ACL`);
      else if (cause && client === target) log('warning', `subscribing failed: ${explainFault(cause).text}`);
    });
  }

  /** Publishes on the current connection. Resolves false if the message was refused or cut off. */
  function publish(topic: string, payload: string | Uint8Array, qos: 0 | 1, retain: boolean): Promise<boolean> {
    const target = client;
    if (target === null) return Promise.resolve(false);
    const bytes = Buffer.from(payload);
    if (bytes.length > maxPayloadBytes) {
      log(
        'warning',
        `a message of ${bytes.length} bytes for ${topic} was not sent: the limit is ${maxPayloadBytes} bytes`,
      );
      return Promise.resolve(false);
    }
    const expires = version === 5 && qos === 1 && !retain;
    const properties = expires ? { messageExpiryInterval: eventExpirySeconds } : {};
    return new Promise((resolve) => {
      const settle = (acknowledged: boolean) => {
        inFlight.delete(settle);
        resolve(acknowledged);
      };
      inFlight.add(settle);
      target.publish(topic, bytes, { qos, retain, properties }, (cause) => {
        if (cause && client === target)
          log('warning', `the broker refused a message for ${topic}: ${explainFault(cause).text}`);
        settle(!cause);
      });
    });
  }

  async function publishKept(topic: string, payload: string): Promise<void> {
    if (await publish(topic, payload, 1, true)) options.onKept?.(topic, payload);
  }

  function report(end: SessionEnd): void {
    const { text } = explainFault(end.error);
    const nowMs = performance.now();
    const alreadyLogged = text === fault && nowMs - faultLoggedAt < remindMs;
    if (!alreadyLogged) faultLoggedAt = nowMs;
    fault = text;
    log(alreadyLogged ? 'debug' : 'warning', `no connection to the broker ${brokerName(options.broker)}: ${text}`);
  }

  return {
    start() {
      checkBrokerOptions(options.broker);
      running ??= run();
    },
    async stop(farewell) {
      const farewells = Promise.all(farewell.map(([topic, payload]) => publish(topic, payload, 1, true)));
      await Promise.race([farewells, sleep(farewellMs, undefined, { ref: false })]);
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
      if (values.get(topic) === payload) return;
      values.set(topic, payload);
      void publishKept(topic, payload);
    },
    resend() {
      for (const [topic, payload] of values) void publishKept(topic, payload);
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

// What a broker's refusal means to the person who has to fix it. mqtt.js reports three kinds: errors of the socket or of TLS
// (`code` is a string), refusals (`code` is a reason code of MQTT 5 or a return code of 3.1.1), and plain sentences.

/** Why a connection failed or ended. */
export interface BrokerFault {
  /** One sentence for the log and for `status`. */
  readonly text: string;
  /** The broker does not support the MQTT version that was tried. */
  readonly unsupportedVersion: boolean;
}

// MQTT 3.1.1 section 3.2.2.3 (1 to 5) and MQTT 5.0 sections 3.2.2.2 and 3.14.2.1 (128 and more).
const refusals: Readonly<Record<number, string>> = {
  1: 'it does not support this version of MQTT',
  2: 'it rejects the client id: set mqtt.client_id',
  3: 'it is not ready',
  4: 'wrong user name or password',
  5: 'this user is not allowed to connect',
  130: 'it reports a protocol error',
  132: 'it does not support this version of MQTT',
  133: 'it rejects the client id: set mqtt.client_id',
  134: 'wrong user name or password',
  135: 'this user is not allowed to connect',
  136: 'it is not ready',
  137: 'it is busy',
  138: 'it has banned this client',
  139: 'it is shutting down',
  141: 'it received nothing from this room for too long',
  142: 'another client took over this client id: is room.id used twice?',
  144: 'it rejects a topic',
  149: 'a message was larger than it accepts',
  151: 'a quota is used up',
};

const socketFaults: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there: is the broker running?',
  ECONNRESET: 'it dropped the connection',
  ENOTFOUND: 'no such host name: check mqtt.url',
  EAI_AGAIN: 'the host name cannot be resolved now: is there a network?',
  EHOSTUNREACH: 'there is no route to that host',
  ENETUNREACH: 'there is no network',
  ETIMEDOUT: 'no answer',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: is the clock right?',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed: set mqtt.ca_file to it or to its authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate authority is not known: set mqtt.ca_file',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate authority is not known: set mqtt.ca_file',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate authority is not known: set mqtt.ca_file',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name: set mqtt.servername',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'it requires a client certificate: set mqtt.cert_file and mqtt.key_file',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not use TLS on this port: check scheme and port of mqtt.url',
  EPROTO: 'TLS failed: check scheme and port of mqtt.url',
};

/** Explains `error`, any value that mqtt.js emits. null: the connection closed without an error. */
export function explainFault(error: unknown): BrokerFault {
  if (error === null || error === undefined) return { text: 'the connection was closed', unsupportedVersion: false };
  // For a name with several addresses (::1 and 127.0.0.1) Node collects the faults in an AggregateError.
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
