// The connection to the broker. The broker may be away for a second or a month; a log line reports it.
// Invariant: nothing outlives its connection in a queue. Each try is a fresh mqtt.js client, because mqtt.js's own reconnecting, offline queue and
// store of unacknowledged packets would replay old events as new. A value that must be true after a reconnect is kept as the
// last value of its topic and sent again by `resend`. An event is sent now or not at all.
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type MqttClient } from 'mqtt';
import { sentenceOf } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { type BackoffOptions, createBackoff } from '../base/retry.js';
import { limitSentences, limitsOf, noLimits } from './limits.js';
import {
  type BrokerOptions,
  brokerName,
  checkBrokerOptions,
  clientOptions,
  type Identity,
  maxPayloadBytes,
  type ProtocolVersion,
  willExpirySeconds,
} from './options.js';

export interface MqttConnectionOptions extends Identity {
  readonly broker: BrokerOptions;
  readonly subscriptions: readonly string[];
  /** Topics that only this room writes. Their retained values are read at each connection, before anything is published. */
  readonly readFirst?: readonly string[];
  /** The retained values of `readFirst`, by topic. Called once, at the first connection. */
  onRetained?(values: ReadonlyMap<string, RetainedValue>): void;
  /** The broker acknowledged a value of `keep`. */
  onKept?(topic: string, payload: string): void;
  /** Default `reconnecting`. */
  readonly reconnect?: BackoffOptions;
  /** How long the broker may take to acknowledge a message, milliseconds. Default 10,000. */
  readonly answerWithinMs?: number;
  /** Called for each new connection, before any message arrives: announce, then `resend`. */
  onConnect(): void;
  /** `retained`: the message is older than the subscription. */
  onMessage(topic: string, payload: Buffer, retained: boolean): void;
}

export interface RetainedValue {
  readonly payload: Buffer;
  /** How long ago the broker got it, where it was published with `willExpirySeconds`; null where the broker does not tell. */
  readonly ageMs: number | null;
}

export interface ConnectionStatus {
  /** The broker has accepted the connection, and acknowledged the subscriptions and the first messages. */
  readonly connected: boolean;
  /** `host:port`. */
  readonly broker: string;
  readonly protocol: '5' | '3.1.1';
  /** Why there is no connection; null while there is one, and before the first try has failed. */
  readonly fault: string | null;
  /** What the broker or another client takes from this room, one sentence each: limits, and a client id that is used twice. */
  readonly warnings: readonly string[];
  /** Connections made since the start. */
  readonly connects: number;
  /** Messages passed to `send` that were dropped because there was no connection. */
  readonly dropped: number;
}

export interface MqttConnection {
  /** The broker accepted the connection, so that messages can be sent. `status().connected` asks for acknowledgements, too. */
  readonly isOpen: boolean;
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

/**
 * The wait grows, so that a dead broker is left in peace, and is scattered, so that the rooms of a household do not all come back
 * in the same moment after a power cut. It never grows past what a person would wait for.
 */
export const reconnecting: BackoffOptions = { firstMs: 500, mostMs: 3_000, jitter: 0.25 };
/** The same after a refusal (password, client id): trying again soon does not help, and some brokers ban who does. */
const refused: BackoffOptions = { firstMs: 2_000, mostMs: 30_000, jitter: 0.25 };
/** The same while another client takes the client id over. */
const takenOver: BackoffOptions = { firstMs: 120_000, mostMs: 600_000, jitter: 0.5 };
/** So many take-overs within the time, milliseconds, are no accident. */
const takeOvers = { count: 3, withinMs: 600_000 };

const farewellMs = 2_000;
/** A broker that works acknowledges a subscription or a message within this time, milliseconds. */
const shippedAnswerWithinMs = 10_000;
const steadyMs = 10_000;
const remindMs = 600_000;
const eventExpirySeconds = 60;

/** Most messages that wait for the broker. More would mean that it is stuck. */
const mostUnsettled = 200;
const silenceText = 'it accepts the connection and then does not acknowledge messages: restart the broker';
// Reason codes of MQTT 5 (section 2.4) that this file acts on.
const sessionTakenOver = 142;
const retainNotSupported = 154;
const qosNotSupported = 155;

interface SessionEnd {
  readonly error: unknown;
  readonly wasAcknowledged: boolean;
  /** How long the connection lasted, ms; null if the broker never accepted it. */
  readonly livedMs: number | null;
}

/** A connection that is not started yet. */
export function createMqttConnection(options: MqttConnectionOptions, log: Log): MqttConnection {
  const { broker, reconnect = reconnecting, answerWithinMs = shippedAnswerWithinMs } = options;
  const name = (): string => brokerName(broker);
  const values = new Map<string, string>();
  const stopping = new AbortController();
  let client: MqttClient | null = null; // accepted by the broker
  let pending: MqttClient | null = null; // connecting or accepted
  let version: ProtocolVersion = broker.protocol;
  let running: Promise<void> | null = null;
  let fault: string | null = null;
  let faultLoggedAt = 0;
  let [connects, dropped] = [0, 0];
  /** Ends the present session with an error. */
  let endSession = (_error: Error): void => {};
  /** The broker has acknowledged what this connection sent first. */
  let isAcknowledged = false;
  let isSubscribed = false;
  let limits = noLimits;
  let { will } = options;
  /** One function per unacknowledged message of this connection. It settles the message. */
  const inFlight = new Set<(acknowledged: boolean) => void>();
  /** Messages of this connection that wait until the broker takes another one. */
  const waiting: (() => void)[] = [];
  const warned = new Set<string>();
  /** When it showed that another client uses this client id, milliseconds. */
  let foreignAt: number[] = [];
  /** The last two payloads that this client sent, by topic of `readFirst`. */
  const delivered = new Map<string, Set<string>>();

  async function run(): Promise<void> {
    const backoffs = {
      fault: createBackoff(reconnect),
      refusal: createBackoff(refused),
      takeOver: createBackoff(takenOver),
    };
    while (!stopping.signal.aborted) {
      const end = await session();
      if (stopping.signal.aborted) return;
      if (end.wasAcknowledged && (end.livedMs ?? 0) > steadyMs) {
        backoffs.fault.reset();
        backoffs.refusal.reset();
      }
      if ((end.livedMs ?? 0) > takeOvers.withinMs) backoffs.takeOver.reset();
      if (adaptTo(end)) continue;
      const kind = isTakenOver(end) ? 'takeOver' : end.livedMs === null && isRefusal(end.error) ? 'refusal' : 'fault';
      const waitMs = backoffs[kind].failed();
      report(end, kind === 'takeOver' ? waitMs : null);
      await sleep(waitMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  /**
   * Whether another client uses this client id and cuts this one off again and again. MQTT 5 has a reason for it, which not every
   * broker sends. Otherwise the connection was closed without one, and the broker then held values that this client did not send.
   */
  function isTakenOver({ error, livedMs }: SessionEnd): boolean {
    const isNamed = (error as { code?: unknown } | null)?.code === sessionTakenOver;
    if (isNamed) foreignAt.push(performance.now());
    foreignAt = foreignAt.filter((atMs) => performance.now() - atMs < takeOvers.withinMs);
    return livedMs !== null && (isNamed || error === null) && foreignAt.length >= takeOvers.count;
  }

  /** Notes whether somebody else wrote the topics that are this room's own since it was connected last. */
  function compareWithOwn(retained: ReadonlyMap<string, RetainedValue>): void {
    const isForeign = [...retained].some(([topic, { payload }]) => {
      const own = delivered.get(topic);
      const text = payload.toString('utf8');
      const isOwnWill = topic === will.topic && text === will.payload;
      return own !== undefined && text !== '' && !isOwnWill && !own.has(text);
    });
    if (isForeign) foreignAt.push(performance.now());
  }

  /**
   * MQTT 5 first. 3.1.1 where 5 was refused. The other version next where the broker closed the connection without a reason,
   * as old brokers do. A will that the broker refuses is weakened. Returns whether to try again at once.
   */
  function adaptTo(end: SessionEnd): boolean {
    const weaker = weakerWill(will, explainFault(end.error).code);
    if (weaker !== null) {
      will = weaker;
      return true;
    }
    if (broker.protocol === 4) return false;
    const { unsupportedVersion } = explainFault(end.error);
    if (version === 5 && unsupportedVersion) {
      log('notice', `the broker ${name()} does not speak MQTT 5: using 3.1.1`);
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
    isAcknowledged = false;
    isSubscribed = false;
    try {
      const identity = { ...options, will };
      attempt = connect(clientOptions(broker, version, identity));
    } catch (cause) {
      return { error: cause, livedMs: null, wasAcknowledged: false }; // a password or certificate file can no longer be read
    }
    pending = attempt;
    endSession = (cause) => {
      error ??= cause;
      attempt.end(true); // a malformed packet is an error without a close
    };
    const retained = new Map<string, RetainedValue>();
    const accept = (): void => {
      client = attempt;
      connects += 1;
      log('info', `connected to the broker ${name()}`, { mqtt: version === 5 ? '5' : '3.1.1' });
      options.onConnect();
      subscribe(attempt);
    };
    attempt.on('connect', (connack) => {
      acceptedAt = performance.now();
      limits = version === 5 ? limitsOf(connack) : noLimits;
      for (const sentence of limitSentences(limits)) warnOnce(sentence);
      if ((options.readFirst ?? []).length === 0) return accept();
      readRetained(attempt).then(() => {
        if (attempt !== pending || !attempt.connected) return;
        if (connects === 0) options.onRetained?.(retained);
        else compareWithOwn(retained);
        accept();
      }, endSession);
    });
    attempt.on('message', (topic, payload, packet) => {
      if (client === attempt) options.onMessage(topic, payload, packet.retain);
      else {
        const left = packet.properties?.messageExpiryInterval;
        retained.set(topic, { payload, ageMs: left === undefined ? null : 1000 * (willExpirySeconds - left) });
      }
    });
    attempt.on('disconnect', (packet) => {
      error ??= { code: packet.reasonCode ?? 0 };
    });
    attempt.on('error', endSession);
    await new Promise<void>((resolve) => {
      attempt.once('close', resolve);
      attempt.once('end', resolve);
    });
    client = null;
    for (const settle of inFlight) settle(false);
    for (const send of waiting.splice(0)) send(); // they resolve false: there is no connection
    attempt.end(true);
    const livedMs = acceptedAt === null ? null : performance.now() - acceptedAt;
    return { error, livedMs, wasAcknowledged: isAcknowledged };
  }

  function warnOnce(sentence: string): void {
    if (!warned.has(sentence)) log('warning', sentence);
    warned.add(sentence);
  }

  /**
   * Has the broker send the retained values of `readFirst`. It sends them before it answers the unsubscribing, since it handles
   * the packets of a connection in order (MQTT 5.0 section 4.6).
   */
  async function readRetained(target: MqttClient): Promise<void> {
    const topics = [...(options.readFirst ?? [])];
    // Without the right to read them, there are none.
    await answered(target.subscribeAsync(topics, { qos: limits.qos }).catch(() => {}));
    await answered(target.unsubscribeAsync(topics).catch(() => {}));
  }

  /** Rejects where the broker does not answer in time. */
  async function answered(answer: Promise<unknown>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(silenceText)), answerWithinMs);
    });
    try {
      await Promise.race([answer, silence]);
    } finally {
      clearTimeout(timer);
    }
  }

  function subscribe(target: MqttClient): void {
    const isAllowed = (topic: string): boolean => limits.wildcards || !/[+#]/.test(topic);
    const topics = options.subscriptions.filter(isAllowed);
    const answer = new Promise<void>((resolve) => {
      target.subscribe([...topics], { qos: limits.qos, nl: true }, (cause, grants) => {
        const denied = (grants ?? []).filter((grant) => grant.qos >= 128).map((grant) => grant.topic);
        if (denied.length > 0)
          log('warning', `the broker does not let this room subscribe to ${denied.join(', ')}: check its ACL`);
        else if (cause && client === target) log('warning', `subscribing failed: ${explainFault(cause).text}`);
        resolve();
      });
    });
    answered(answer).then(
      () => {
        if (client !== target) return;
        isSubscribed = true;
        checkAcknowledged();
      },
      (cause: unknown) => {
        if (client === target) endSession(cause as Error);
      },
    );
  }

  function checkAcknowledged(): void {
    if (isAcknowledged || !isSubscribed || inFlight.size > 0 || waiting.length > 0) return;
    isAcknowledged = true;
    fault = null;
  }

  /** Publishes on the current connection. Resolves false if the message was refused or cut off. */
  function publish(topic: string, payload: string | Uint8Array, qos: 0 | 1, retain: boolean): Promise<boolean> {
    const target = client;
    if (target === null) return Promise.resolve(false);
    const bytes = Buffer.from(payload);
    const limit = Math.min(limits.packetBytes, maxPayloadBytes);
    if (publishBytes(topic, bytes.length) > limit) {
      warnOnce(`a message of ${bytes.length} bytes for ${topic} was not sent: the limit is ${limit} bytes`);
      return Promise.resolve(false);
    }
    return new Promise((resolve) => {
      const send = (): void => {
        if (client === target) transmit(target, topic, bytes, qos, retain, resolve);
        else resolve(false);
      };
      if (qos === 0 || inFlight.size < limits.inFlight) send();
      else waiting.push(send);
    });
  }

  function transmit(
    target: MqttClient,
    topic: string,
    bytes: Buffer,
    asked: 0 | 1,
    retain: boolean,
    resolve: (acknowledged: boolean) => void,
  ): void {
    const qos = Math.min(asked, limits.qos) as 0 | 1;
    const expirySeconds = topic === will.topic ? willExpirySeconds : qos === 1 && !retain ? eventExpirySeconds : null;
    const properties = version === 5 && expirySeconds !== null ? { messageExpiryInterval: expirySeconds } : {};
    // A broker that answers pings may still have stopped to take messages.
    const timer = qos === 0 ? undefined : setTimeout(() => endSession(new Error(silenceText)), answerWithinMs);
    const settle = (acknowledged: boolean): void => {
      clearTimeout(timer);
      if (!inFlight.delete(settle)) return;
      resolve(acknowledged);
      waiting.shift()?.();
      // A refusal is an answer, too.
      if (client === target) checkAcknowledged();
    };
    inFlight.add(settle);
    target.publish(topic, bytes, { qos, retain: retain && limits.retain, properties }, (cause) => {
      if (cause && client === target)
        log('warning', `the broker refused a message for ${topic}: ${explainFault(cause).text}`);
      settle(!cause);
    });
  }

  async function publishKept(topic: string, payload: string): Promise<void> {
    if (client !== null && options.readFirst?.includes(topic)) {
      const last = [...(delivered.get(topic) ?? [])].filter((text) => text !== payload).slice(-1);
      delivered.set(topic, new Set([...last, payload]));
    }
    if (await publish(topic, payload, 1, true)) options.onKept?.(topic, payload);
  }

  function report(end: SessionEnd, takeOverWaitMs: number | null): void {
    const seconds = takeOverWaitMs === null ? 0 : Math.round(takeOverWaitMs / 1000);
    const text =
      takeOverWaitMs === null
        ? explainFault(end.error).text
        : `another program uses the client id ${options.clientId}, so the two cut each other off: give each Pi its own room.id (next try in ${seconds} s)`;
    const nowMs = performance.now();
    const isSame = text.replace(/\d+ s\)/, '') === fault?.replace(/\d+ s\)/, '');
    const alreadyLogged = isSame && nowMs - faultLoggedAt < remindMs;
    if (!alreadyLogged) faultLoggedAt = nowMs;
    fault = text;
    log(alreadyLogged ? 'debug' : 'warning', `no connection to the broker ${name()}: ${text}`);
  }

  return {
    get isOpen() {
      return client !== null;
    },
    start() {
      checkBrokerOptions(broker);
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
      // A client that is ending already ignores the second end and waits for acknowledgements that may never come.
      last?.stream?.destroy();
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
      if (client !== null && inFlight.size + waiting.length < mostUnsettled) {
        void publish(topic, payload, qos, false);
        return true;
      }
      dropped += 1;
      return false;
    },
    deliver: (topic, payload) => publish(topic, payload, 1, true),
    status: () => {
      const isTakenOverNow = foreignAt.length >= takeOvers.count;
      return {
        connected: isAcknowledged && client !== null,
        broker: name(),
        protocol: version === 5 ? '5' : '3.1.1',
        fault: isAcknowledged && client !== null ? null : fault,
        warnings: [
          ...limitSentences(limits),
          ...(isTakenOverNow
            ? [`another program uses the client id ${options.clientId}: give each Pi its own room.id`]
            : []),
        ],
        connects,
        dropped,
      };
    },
  };
}

/** `will` as a broker accepts it that refused it with this reason code of MQTT 5; null where another will does not help. */
export function weakerWill(will: Identity['will'], code: number | null): Identity['will'] | null {
  if (code === retainNotSupported && will.retain !== false) return { ...will, retain: false };
  if (code === qosNotSupported && will.qos !== 0) return { ...will, qos: 0 };
  return null;
}

/** Bytes of a PUBLISH packet: fixed header, topic, packet id and properties, and payload (section 3.3). */
function publishBytes(topic: string, payloadBytes: number): number {
  return 5 + 2 + Buffer.byteLength(topic) + 2 + 10 + payloadBytes;
}

/** Whether the broker answered the connecting with a reason. */
function isRefusal(error: unknown): boolean {
  return typeof (error as { code?: unknown } | null)?.code === 'number';
}

// What a broker's refusal means to the person who has to fix it. mqtt.js reports three kinds: errors of the socket or of TLS
// (`code` is a string), refusals (`code` is a reason code of MQTT 5 or a return code of 3.1.1), and plain sentences.

/** Why a connection failed or ended. */
export interface BrokerFault {
  /** One sentence for the log and for `status`. */
  readonly text: string;
  /** The broker's reason code (MQTT 5) or return code (3.1.1); null where it gave none. */
  readonly code: number | null;
  /** The broker does not support the MQTT version that was tried. */
  readonly unsupportedVersion: boolean;
}

const wrongLogin = 'wrong user name or password, or this user may not connect: check mqtt.username and its password';

/** Whether the broker refuses this user and password, or none. */
export function isLoginRefusal({ code }: Pick<BrokerFault, 'code'>): boolean {
  return code !== null && refusals[code] === wrongLogin;
}

// MQTT 3.1.1 section 3.2.2.3 (1 to 5) and MQTT 5.0 section 2.4 (128 and more), in CONNACK, DISCONNECT, PUBACK and SUBACK.
const refusals: Readonly<Record<number, string>> = {
  1: 'it does not support this version of MQTT',
  2: 'it rejects the client id: set mqtt.client_id',
  3: 'it is not ready',
  4: wrongLogin,
  5: wrongLogin,
  128: 'it gives no reason: see the log of the broker',
  129: 'it could not read a packet of this room',
  130: 'it reports a protocol error',
  131: 'it does not accept what this room sent: see the log of the broker',
  132: 'it does not support this version of MQTT',
  133: 'it rejects the client id: set mqtt.client_id',
  134: wrongLogin,
  135: wrongLogin,
  136: 'it is not ready',
  137: 'it is busy',
  138: 'it has banned this client: see the log of the broker',
  139: 'it is shutting down',
  140: 'it wants another way to log in',
  141: 'it received nothing from this room for too long',
  142: 'another client took over this client id: is room.id used twice?',
  143: 'it rejects a subscription',
  144: 'it rejects a topic: check mqtt.base and the ACL of the broker',
  145: 'it reports that a message number is in use',
  147: 'it received more messages at once than it takes',
  148: 'it does not take topic aliases',
  149: 'a message was larger than it accepts',
  150: 'it receives more messages than it takes',
  151: 'a quota is used up',
  152: 'an administrator of the broker closed the connection',
  153: 'it rejects the form of a message',
  154: 'it keeps no retained messages',
  155: 'it does not support QoS 1',
  156: 'it says that another broker is to be used for now: check mqtt.url',
  157: 'it says that it has moved: check mqtt.url',
  158: 'it does not support shared subscriptions',
  159: 'too many connections were made in a short time',
  160: 'it limits how long a connection may last',
  161: 'it does not support subscription numbers',
  162: 'it does not support subscriptions with wildcards',
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
  if (error === null || error === undefined)
    return { text: 'the connection was closed', code: null, unsupportedVersion: false };
  // For a name with several addresses (::1 and 127.0.0.1) Node collects the faults in an AggregateError.
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  const code = (first as { code?: unknown }).code;
  const message = sentenceOf(first);
  if (typeof code === 'number') {
    return { text: refusals[code] ?? `refused (reason ${code})`, code, unsupportedVersion: code === 1 || code === 132 };
  }
  if (typeof code === 'string')
    return { text: socketFaults[code] ?? `${message} (${code})`, code: null, unsupportedVersion: false };
  return { text: message, code: null, unsupportedVersion: false };
}
