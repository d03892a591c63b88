// The wire to the broker, which may be away for a second or a month without anybody noticing but a log line.
// Invariant: nothing is ever queued. Each try is a fresh mqtt.js client (its own reconnecting, its offline queue and its store
// of unacknowledged packets would replay old events as new); what must be true after a reconnect is kept as the last value of
// its topic and sent again by `resend`, and a message of the moment is sent now or not at all.
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type MqttClient } from 'mqtt';
import type { Log } from '../base/log.js';
import { explainFault } from './broker-fault.js';
import {
  type BrokerOptions,
  brokerName,
  checkBrokerOptions,
  clientOptions,
  type Identity,
  maxPayloadBytes,
  type ProtocolVersion,
} from './broker-options.js';
import { reconnectDelayMs } from './reconnect-delay.js';

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
    for (let failures = 0; !stopping.signal.aborted; ) {
      const end = await session();
      if (stopping.signal.aborted) return;
      failures = (end.livedMs ?? 0) > steadyMs ? 1 : failures + 1;
      report(end);
      const retryAtOnce = chooseVersion(end);
      await sleep(retryAtOnce ? 0 : reconnectDelayMs(failures), undefined, { signal: stopping.signal }).catch(() => {});
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
