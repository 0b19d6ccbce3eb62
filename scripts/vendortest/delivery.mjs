// Deliveries, and what is counted about them.

let passed = 0;
let failed = 0;

/** One check, one line. */
export function check(name, got, want) {
  const same = JSON.stringify(got) === JSON.stringify(want);
  console.log(`${same ? 'ok    ' : 'FAILED'} ${name}${same ? '' : `: got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`}`);
  same ? passed++ : failed++;
}

/** Prints the last line, and tells whether nothing failed. */
export function summary() {
  console.log(`\n${passed} passed, ${failed} failed`);
  return passed > 0 && failed === 0;
}

/** Posts a body, byte for byte. */
export async function post(url, headers, body) {
  const answer = await fetch(url, {
    method: 'POST', redirect: 'manual', headers: { 'Content-Type': 'application/json', ...headers }, body,
  });
  return {
    status: answer.status, stored: answer.headers.get('forebay-stored'),
    signature: answer.headers.get('signature'), body: await answer.text(),
  };
}

/** Reads the HTTP text of "forebay send --print", after whose body there is a newline. Names of headers are in small letters. */
export function parse(text) {
  const [head, rest] = text.split(/\r\n\r\n(.*)/s);
  const lines = head.split('\r\n').slice(1).map((line) => line.split(/: (.*)/s));
  const headers = Object.fromEntries(lines.map(([name, value]) => [name.toLowerCase(), value]));
  return { headers, body: Buffer.from(rest).subarray(0, Number(headers['content-length'])).toString() };
}

/** Whether a library accepts: those of Standard Webhooks throw where they do not. */
export function accepts(verify) {
  try {
    verify();
    return true;
  } catch {
    return false;
  }
}
