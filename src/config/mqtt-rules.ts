// Rules for the settings of [mqtt] and [home_assistant]. The loader and the MQTT client use the same rules, so both accept the same
// settings. Each rule returns the fault in words for the user, or null.

const levelPattern = /^[A-Za-z0-9_-]+$/;

/** For the first levels of a topic: letters, digits, `_` and `-`; no `+`, `#`, `$SYS`, NUL or empty level. */
export function prefixFault(prefix: string): string | null {
  const levels = prefix.split('/');
  if (prefix.length <= 64 && levels.every((level) => levelPattern.test(level))) return null;
  return 'use levels of A-Z, a-z, 0-9, _ and -, separated by single slashes, at most 64 characters';
}

/** For the client certificate: the configuration key that is set without the other one. */
export function certificateFault(
  certFile: string | null,
  keyFile: string | null,
): { readonly key: 'cert_file' | 'key_file'; readonly text: string } | null {
  if ((certFile === null) === (keyFile === null)) return null;
  return keyFile === null
    ? { key: 'cert_file', text: 'needs mqtt.key_file: set both or neither' }
    : { key: 'key_file', text: 'needs mqtt.cert_file: set both or neither' };
}
