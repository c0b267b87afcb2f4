/** Converts units. A factor is how many of the quantity's base unit one unit is (SI and international yard and pound). */

const QUANTITIES = {
  Length: { mm: 0.001, cm: 0.01, m: 1, km: 1000, inch: 0.0254, foot: 0.3048, yard: 0.9144, mile: 1609.344 },
  Weight: { g: 0.001, kg: 1, tonne: 1000, ounce: 0.028349523125, pound: 0.45359237, stone: 6.35029318 },
  Volume: { ml: 0.001, dl: 0.1, l: 1, teaspoon: 0.005, tablespoon: 0.015, "cup (US)": 0.2365882365, "pint (UK)": 0.56826125, "gallon (US)": 3.785411784 },
  Area: { "m²": 1, hectare: 10000, "km²": 1000000, "square foot": 0.09290304, acre: 4046.8564224 },
  Speed: { "km/h": 1 / 3.6, "m/s": 1, mph: 0.44704, knot: 1852 / 3600 },
  Time: { second: 1, minute: 60, hour: 3600, day: 86400, week: 604800 },
  Temperature: { "°C": null, "°F": null, K: null },
  Currency: { EUR: null, USD: null, GBP: null, CHF: null, SEK: null, PLN: null },
};
const TO_KELVIN = { "°C": (t) => t + 273.15, "°F": (t) => (t + 459.67) / 1.8, K: (t) => t };
const FROM_KELVIN = { "°C": (t) => t - 273.15, "°F": (t) => t * 1.8 - 459.67, K: (t) => t };

const byId = (id) => document.getElementById(id);
const [quantity, amount, from, to, rate] = ["quantity", "amount", "from", "to", "rate"].map(byId);

function fill(select, names) {
  select.replaceChildren(...names.map((name) => new Option(name, name)));
}

/** Return the amount in the other unit; a currency is turned at the rate that was typed. */
function converted(value) {
  if (quantity.value === "Temperature") return FROM_KELVIN[to.value](TO_KELVIN[from.value](value));
  if (quantity.value === "Currency") return value * rate.valueAsNumber;
  const factors = QUANTITIES[quantity.value];
  return (value * factors[from.value]) / factors[to.value];
}

function choose() {
  const units = Object.keys(QUANTITIES[quantity.value]);
  fill(from, units);
  fill(to, units);
  to.selectedIndex = 1;
  show();
}

function show() {
  byId("rate-row").hidden = quantity.value !== "Currency";
  byId("rate-label").textContent = `${to.value} for 1 ${from.value}`;
  const value = amount.valueAsNumber;
  const result = converted(value);
  if (!Number.isFinite(result)) {
    byId("result").textContent = "Give a number.";
    return;
  }
  const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 8 });
  byId("result").textContent = `${number.format(value)} ${from.value} = ${number.format(result)} ${to.value}`;
}

fill(quantity, Object.keys(QUANTITIES));
quantity.addEventListener("change", choose);
for (const field of [amount, from, to, rate]) field.addEventListener("input", show);
byId("swap").addEventListener("click", () => {
  [from.value, to.value] = [to.value, from.value];
  if (rate.valueAsNumber > 0) rate.value = String(Number((1 / rate.valueAsNumber).toPrecision(8)));
  show();
});
choose();
