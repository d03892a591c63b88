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
