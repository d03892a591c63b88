// Whether the broker accepts a connection: a real one, with a separate client id, so that a running daemon stays connected.
import { connect } from 'mqtt';
import type { Config } from '../../config/load.js';
import { explainFault } from '../../mqtt/connection.js';
import {
  type BrokerOptions,
  brokerName,
  checkBrokerOptions,
  clientOptions,
  type ProtocolVersion,
} from '../../mqtt/options.js';
import { type Finding, failed, fault, ok, warn } from './finding.js';

const timeoutMs = 8000;

/** Connects with the settings of [mqtt], with MQTT 3.1.1 if the broker does not support 5. Publishes nothing. */
export async function checkBroker({ mqtt }: Config): Promise<Finding> {
  try {
    checkBrokerOptions(mqtt);
  } catch (error) {
    return fault('broker', error);
  }
  const name = brokerName(mqtt);
  let refusal = await tryVersion(mqtt, mqtt.protocol);
  const fellBack = refusal?.unsupportedVersion === true && mqtt.protocol === 5;
  if (fellBack) refusal = await tryVersion(mqtt, 4);
  if (refusal !== null) return failed('broker', `${name} does not accept the connection`, refusal.text);
  const open = mqtt.username === null && mqtt.certFile === null;
  const version = fellBack || mqtt.protocol === 4 ? '3.1.1' : '5';
  const found = `${name} accepts MQTT ${version}${open ? ', without a password' : ''}`;
  const exposed = open && !['localhost', '127.0.0.1', '[::1]'].includes(new URL(mqtt.url).hostname);
  return exposed
    ? warn('broker', found, 'anyone in the network can read who is where: add users to the broker')
    : ok('broker', found);
}

/** null: the broker accepted the connection. */
function tryVersion(broker: BrokerOptions, version: ProtocolVersion): Promise<ReturnType<typeof explainFault> | null> {
  return new Promise((resolve) => {
    const clientId = `roomkin-check-${process.pid}`;
    const will = { topic: 'unused', payload: '' };
    // Without a will and a session the connection leaves nothing behind on the broker.
    const {
      will: _,
      properties: __,
      ...options
    } = clientOptions(broker, version, { clientId, will, willDelaySeconds: 0 });
    const client = connect(broker.url, { ...options, clean: true, reconnectPeriod: 0, connectTimeout: timeoutMs });
    const timer = setTimeout(() => finish({ text: 'no answer', unsupportedVersion: false }), timeoutMs);
    let finished = false;
    const finish = (result: ReturnType<typeof explainFault> | null): void => {
      if (finished) return;
      finished = true;
      clearTimeout(timer);
      client.end(true, () => resolve(result));
    };
    client.once('connect', () => finish(null));
    // `on`, not `once`: a late error of a closing socket would otherwise have no listener.
    client.on('error', (error) => finish(explainFault(error)));
    client.once('close', () => finish(explainFault(null)));
  });
}
