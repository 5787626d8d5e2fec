// Sends with `facebook-nodejs-business-sdk`, only its host changed; prints what it got as JSON.
// node send.cjs HOST
const sdk = require('facebook-nodejs-business-sdk');

const OPEN = '1001';
const PROVEN = '1002';
Object.defineProperty(sdk.FacebookAdsApi, 'GRAPH', { get: () => process.argv[2] });

const now = () => Math.floor(Date.now() / 1000);

function event(id, change = () => {}) {
  const user = new sdk.UserData().setEmail('Jane.Doe@Example.com').setClientUserAgent('Mozilla/5.0');
  const made = new sdk.ServerEvent()
    .setEventName('Purchase')
    .setEventTime(now() - 60)
    .setEventId(id)
    .setEventSourceUrl('https://shop.example/thank-you')
    .setUserData(user)
    .setCustomData(new sdk.CustomData().setValue(19.99).setCurrency('usd'));
  change(made);
  return made;
}

function request(events, token = 'TOKEN-OPEN', to = OPEN) {
  return new sdk.EventRequest(token, to).setEvents(events);
}

async function told(send) {
  try {
    const answer = await send();
    return { received: answer.events_received, trace: answer.fbtrace_id.length };
  } catch (error) {
    if (!error.response) throw error;
    const { code, error_subcode: subcode, type, is_transient: transient } = error.response;
    return { status: error.status, code, subcode: subcode ?? null, type, transient };
  }
}

async function main() {
  const sent = (events, ...rest) => told(() => request(events, ...rest).execute());
  const many = Array.from({ length: 120 }, (_, n) => event(`js-batch-${n}`));
  const empty = request([]);
  await new sdk.BatchProcessor(50, 2).processEvents(empty, many);
  const pending = Array.from({ length: 4 }, (_, n) => sent([event(`js-async-${n}`)]));
  const proven = (id, secret) => {
    const one = request([event(id)], 'TOKEN-PROVEN', PROVEN);
    if (secret) one.setAppSecret ? one.setAppSecret(secret) : (one._app_secret = secret);
    return told(() => one.execute());
  };
  const old = now() - 8 * 86400;
  const out = {
    one: await sent([event('js-one')]),
    again: await sent([event('js-one')]),
    many: await sent(Array.from({ length: 50 }, (_, n) => event(`js-many-${n}`))),
    async: (await Promise.all(pending))[3],
    tested: await told(() => request([event('js-tested')]).setTestEventCode('TEST1').execute()),
    no_name: await sent([event('js-x1', (e) => e.setEventName(''))]),
    too_old: await sent([event('js-x2'), event('js-x3', (e) => e.setEventTime(old))]),
    no_money: await sent([event('js-x4', (e) => e.setCustomData(new sdk.CustomData().setValue(1)))]),
    nobody: await sent([event('js-x5', (e) => e.setUserData(new sdk.UserData()))]),
    nothing: await sent([]),
    no_dataset: await sent([event('js-x6')], 'TOKEN-OPEN', '1999'),
    wrong_token: await sent([event('js-x7')], 'TOKEN-WRONG'),
    proven: await proven('js-proven', 'clients-app-secret'),
    no_proof: await proven('js-x8', null),
    wrong_proof: await proven('js-x9', 'another-secret'),
  };
  console.log(JSON.stringify(out));
}

sdk.FacebookAdsApi.init('TOKEN-OPEN', 'en_US', false);
main();
