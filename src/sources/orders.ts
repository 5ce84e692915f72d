import { en, Faker } from "@faker-js/faker";
import type { TaskLine } from "./jsonl.js";

interface Order {
  readonly name: string;
  readonly quantity: number;
  readonly item: string;
  readonly city: string;
  /** A number in the message that is not the quantity. */
  readonly other: number;
}

/** Ways to write an order. The later ones have the fields in another order or a second number. */
const messages: readonly ((order: Order) => string)[] = [
  (o) => `Hi, this is ${o.name} from ${o.city}. Please send me ${o.quantity} ${o.item}.`,
  (o) => `${o.name} here. I need ${o.quantity} ${o.item} delivered to ${o.city}.`,
  (o) => `Could you ship ${o.quantity} ${o.item} to ${o.city}? Thanks, ${o.name}`,
  (o) =>
    `My name is ${o.name} and I would like to buy ${o.quantity} ${o.item}. I live in ${o.city}.`,
  (o) =>
    `We are out of ${o.item}. Send ${o.quantity} of them to our shop in ${o.city}. Best, ${o.name}`,
  (o) => `To ${o.city}, please: ${o.item}, ${o.quantity} pieces. Regards, ${o.name}`,
  (o) =>
    `Last time I ordered ${o.other}, now I want ${o.quantity} ${o.item}. Same address in ${o.city}. ${o.name}`,
  (o) =>
    `For ${o.name} in ${o.city}: the ${o.item} again, ${o.quantity} this time instead of ${o.other}.`,
  (o) =>
    `Dear team, our office in ${o.city} has ${o.other} people and needs ${o.quantity} ${o.item}. Yours, ${o.name}`,
  (o) =>
    `${o.city} branch speaking, ${o.name} on the line. Order ${o.other} is fine, but add ${o.quantity} ${o.item}.`,
];

/**
 * Messages from customers, each to be written as one line `name | quantity | item | city`: a small
 * case of what people extract from mail every day, checkable to the letter. Names, goods and towns
 * come from faker; the same seed gives the same tasks.
 */
export function orderTasks(size: number, seed: number): TaskLine[] {
  const faker = new Faker({ locale: en, seed });
  return Array.from({ length: size }, (): TaskLine => {
    const number = () => faker.number.int({ min: 2, max: 99 });
    const order: Order = {
      name: faker.person.firstName(),
      quantity: number(),
      item: `${faker.commerce.productMaterial()} ${faker.commerce.product()}`.toLowerCase(),
      city: faker.location.city(),
      other: number(),
    };
    const message = faker.helpers.arrayElement(messages)(order);
    return {
      prompt: message,
      reference: `${order.name} | ${order.quantity} | ${order.item} | ${order.city}`,
      verifier: { kind: "fields" },
      tags: ["orders"],
      metadata: null,
    };
  });
}
