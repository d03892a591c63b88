// What a broker allows (MQTT 5.0 section 3.2.2.3), and how this room lives within it. A limit costs a feature, never the connection.
import type { IConnackPacket } from 'mqtt';

export interface BrokerLimits {
  /** Retained messages. */
  readonly retain: boolean;
  /** Highest quality of service that this room uses. */
  readonly qos: 0 | 1;
  /** Largest packet that the broker accepts, bytes. */
  readonly packetBytes: number;
  /** Messages of QoS 1 that may wait for their acknowledgement at once. */
  readonly inFlight: number;
  /** Subscriptions with `+` and `#`. */
  readonly wildcards: boolean;
}

/** The most messages of QoS 1 in flight, where the broker allows more. More would mean that it is stuck. */
const mostInFlight = 100;

/** Without any limit: MQTT 3.1.1, which cannot say one. */
export const noLimits: BrokerLimits = {
  retain: true,
  qos: 1,
  packetBytes: Number.POSITIVE_INFINITY,
  inFlight: mostInFlight,
  wildcards: true,
};

/** What the CONNACK packet allows. */
export function limitsOf(connack: Pick<IConnackPacket, 'properties'>): BrokerLimits {
  const given = connack.properties ?? {};
  return {
    retain: given.retainAvailable !== false,
    qos: given.maximumQoS === 0 ? 0 : 1,
    packetBytes: given.maximumPacketSize ?? Number.POSITIVE_INFINITY,
    inFlight: Math.max(1, Math.min(mostInFlight, given.receiveMaximum ?? mostInFlight)),
    wildcards: given.wildcardSubscriptionAvailable !== false,
  };
}

/** The smallest packet size at which every message of a household fits: discovery of 12 people, and their shared photos. */
const comfortableBytes = 64 * 1024;

/** What the limits cost, one sentence each with what to do; empty where they cost nothing. */
export function limitSentences(limits: BrokerLimits): string[] {
  return [
    limits.retain
      ? null
      : 'the broker keeps no retained messages, so Home Assistant knows nothing after its restart until something changes: set retain_available',
    limits.qos === 1
      ? null
      : 'the broker takes messages without acknowledgement only (QoS 0), so an event may be lost: allow QoS 1 (max_qos)',
    limits.packetBytes >= comfortableBytes
      ? null
      : `the broker takes packets of at most ${limits.packetBytes} bytes, so discovery, pictures or shared people may be left out: raise max_packet_size to ${comfortableBytes} bytes`,
    limits.wildcards
      ? null
      : 'the broker allows no wildcard subscriptions, so the rooms do not hear from each other: allow them',
  ].filter((sentence) => sentence !== null);
}
