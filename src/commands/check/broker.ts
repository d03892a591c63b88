// Whether the broker lets us in: one real connection under a name of its own, so that a running daemon keeps its.
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

const answerWithinMs = 8000;

/** Connects with the settings of [mqtt], with 3.1.1 where the broker does not speak 5. Publishes nothing. */
export async function checkBroker({ mqtt }: Config): Promise<Finding> {
  try {
    checkBrokerOptions(mqtt);
  } catch (error) {
    return fault('broker', error);
  }
  const name = brokerName(mqtt);
  let refused = await tryVersion(mqtt, mqtt.protocol);
  const fellBack = refused?.unsupportedVersion === true && mqtt.protocol === 5;
  if (fellBack) refused = await tryVersion(mqtt, 4);
  if (refused !== null) return failed('broker', `${name} does not let us in`, refused.text);
  const open = mqtt.username === null && mqtt.certFile === null;
  const found = `${name} let us in with MQTT ${fellBack || mqtt.protocol === 4 ? '3.1.1' : '5'}${open ? ', without a password' : ''}`;
  const exposed = open && !['localhost', '127.0.0.1', '[::1]'].includes(new URL(mqtt.url).hostname);
  return exposed
    ? warn('broker', found, 'anyone in the network can read who is where: give the broker users')
    : ok('broker', found);
}

/** null: it let us in. */
function tryVersion(broker: BrokerOptions, version: ProtocolVersion): Promise<ReturnType<typeof explainFault> | null> {
  return new Promise((resolve) => {
    const clientId = `roomkin-check-${process.pid}`;
    const will = { topic: 'unused', payload: '' };
    // No will and no session: this connection leaves no trace.
    const {
      will: _,
      properties: __,
      ...options
    } = clientOptions(broker, version, { clientId, will, willDelaySeconds: 0 });
    const client = connect(broker.url, { ...options, clean: true, reconnectPeriod: 0, connectTimeout: answerWithinMs });
    const late = setTimeout(() => finish({ text: 'no answer', unsupportedVersion: false }), answerWithinMs);
    let finished = false;
    const finish = (result: ReturnType<typeof explainFault> | null): void => {
      if (finished) return;
      finished = true;
      clearTimeout(late);
      client.end(true, () => resolve(result));
    };
    client.once('connect', () => finish(null));
    // Stays attached: a late error of a socket being closed has no other listener.
    client.on('error', (error) => finish(explainFault(error)));
    client.once('close', () => finish(explainFault(null)));
  });
}
