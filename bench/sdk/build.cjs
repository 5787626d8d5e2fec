// The peer: Meta's Node SDK builds the same purchases.
const fs = require("fs");
const sdk = require(process.argv[3] + "/facebook-nodejs-business-sdk");
const { Content, CustomData, ServerEvent, UserData } = sdk;

function build(person) {
  const user = person.user;
  const items = person.items;
  const userData = new UserData()
    .setEmail(user.em)
    .setPhone(user.ph)
    .setFirstName(user.fn)
    .setLastName(user.ln)
    .setDateOfBirth(user.db)
    .setGender(user.ge)
    .setCity(user.ct)
    .setState(user.st)
    .setZip(user.zp)
    .setCountry(user.country)
    .setExternalId(user.external_id)
    .setFbp(user.fbp)
    .setFbc(person.fbc)
    .setClientIpAddress(person.ip)
    .setClientUserAgent(person.agent);
  const customData = new CustomData()
    .setValue(person.value)
    .setCurrency(person.currency)
    .setContentType("product")
    .setOrderId(person.id)
    .setContentIds(items.map(([sku]) => sku))
    .setContents(
      items.map(([sku, quantity, price]) =>
        new Content().setId(sku).setQuantity(quantity).setItemPrice(price),
      ),
    )
    .setNumItems(items.length);
  const event = new ServerEvent()
    .setEventName("Purchase")
    .setEventTime(person.time)
    .setEventId(person.id)
    .setEventSourceUrl(person.url)
    .setActionSource("website")
    .setUserData(userData)
    .setCustomData(customData);
  return JSON.stringify(event.normalize());
}

function read(line) {
  const chunk = JSON.parse(line);
  for (const person of chunk) {
    person.value = Number(person.value);
    person.items = person.items.map(([sku, quantity, price]) => [sku, quantity, Number(price)]);
  }
  return chunk;
}

const lines = fs.readFileSync(process.argv[2], "utf8").split("\n");
const sample = read(lines[0]).map((person) => JSON.parse(build(person)));
for (const line of lines.slice(0, 50)) read(line).forEach(build); // let the compiler warm up
let seconds = 0;
for (const line of lines) {
  const chunk = read(line);
  const start = process.cpuUsage();
  for (const person of chunk) build(person);
  const used = process.cpuUsage(start);
  seconds += (used.user + used.system) / 1e6;
}
console.log(JSON.stringify({ seconds, sample }));
