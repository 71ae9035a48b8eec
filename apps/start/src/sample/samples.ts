import { texts as people } from '../../../../examples/people.ts'

/** What the tutorials on asynchronous extraction extract from their seven texts. */
const personExtractor = {
  name: 'person',
  instructions: 'Extract the person that the text is about.',
  schema: {
    type: 'object',
    properties: {
      name: { type: 'string', description: "The person's name." },
      age: { type: 'integer', minimum: 0, description: 'Age in years.' },
    },
    required: ['name', 'age'],
    additionalProperties: false,
  },
} as const

/** For the inbox of a shop. */
const ticketExtractor = {
  name: 'support-ticket',
  instructions:
    'Extract what a support desk needs to sort this message. Use null for what the message does not say. Do not guess.',
  schema: {
    type: 'object',
    properties: {
      customer: { type: ['string', 'null'], description: 'Name of the person who writes.' },
      email: { type: ['string', 'null'], description: 'Email address to answer to.' },
      product: { type: ['string', 'null'], description: 'Product the message is about.' },
      order_number: { type: ['string', 'null'], description: 'Order number, such as A-48213.' },
      amount: { type: ['number', 'null'], description: 'Amount of money that is mentioned.' },
      category: {
        enum: ['delivery', 'billing', 'refund', 'defect', 'account', 'question', 'praise'],
        description: 'What the message is mainly about.',
      },
      urgency: { enum: ['low', 'normal', 'high'], description: 'How soon someone has to act.' },
      sentiment: { enum: ['positive', 'neutral', 'negative'], description: 'How the customer feels.' },
    },
    required: ['customer', 'email', 'product', 'order_number', 'amount', 'category', 'urgency', 'sentiment'],
    additionalProperties: false,
  },
} as const

/** Mails, chat lines, reviews and forms: some short, some long, some without what the schema asks for. */
const tickets = [
  'Hello, my name is Karen Holt. My order A-48213 (Bosch cordless drill) was due on Monday and the delivery still has not arrived. I need it urgently for a job on Friday. karen.holt@example.com',
  'Subject: charged twice\n\nHi, I was charged twice for order A-48377. Please correct the billing, it was $129.90 each time. Regards, Peter Lindqvist',
  'I love the Aeropress coffee maker! Best purchase this year, thank you. - Sofia Marin',
  'The screen of my Lenovo tablet arrived broken. Order number A-48402. I want a refund of 219.00 euros. Anna Kowalski, anna.k@example.org',
  'Can you tell me whether the Kettler exercise bike fits a person of 1.95 m? No hurry. Thanks, Jonas',
  'I cannot log in to my account since yesterday, the password reset mail never arrives. My address is m.tanaka@example.net. Please help as soon as possible! Mai Tanaka',
  'Where is my parcel? Order A-48455, tracking has shown "in transit" for nine days. This is really disappointing.',
  'Dear support team, I am writing about invoice 2024-1178 for order A-48461. The VAT number is missing on it. Could you send a corrected invoice to accounting@example.com? Kind regards, Olga Petrova',
  'My name is Daniel Reyes. The Philips toaster I bought last week has stopped working. It is a defect, not misuse. Order A-48470.',
  'Five stars. The Garmin watch was here the next day and works perfectly. Great service! Emily Clark',
  'Hi there! Quick question: is the Sony headphone WH-1000 available in blue? Cheers, Tom Becker',
  'URGENT: I returned the jacket three weeks ago and my refund of $89.50 is still missing. Order number A-48512. My name is Priya Nair.',
  'Please delete my account and all my data. My email is lucas.moreau@example.com. Lucas Moreau',
  'The Dyson vacuum cleaner makes a terrible noise and smells burnt. I am afraid to use it. Order A-48533. Call me immediately. Helen Wu',
  'Thanks for the fast delivery of the Ikea lamp, everything was perfect. Order A-48540. Marco Rossi',
  'Your last invoice lists 3 keyboards, but I ordered only 2 (order A-48551). That is $49.99 too much. Robert Ellis, robert.ellis@example.com',
  'I would like to change the delivery address of order A-48560 to 14 Mill Lane before it ships. Thank you, Grace Adeyemi',
  'I am furious. Second time that a wrong item was sent! I ordered the Canon printer and got a scanner. Order A-48562. I want my $174.00 back. Victor Hahn',
  'Do you deliver to Norway, and how long does it take? Best, Ingrid',
  'The Nespresso machine leaks water from the bottom after two weeks. Order number A-48570, bought for 159.00 euros. My name is Julia Stein and my mail is julia.stein@example.de.',
  'Hello, I forgot which email address I used for my account. My name is Omar Haddad, could you look it up? There is no rush.',
  'Just wanted to say that Ben from your chat was wonderful and solved everything in two minutes. Thank you! Rachel Green',
  'Order A-48588: the parcel was marked as delivered but nothing is here. The neighbours have nothing either. Please investigate as soon as possible. Hannah Vogel, h.vogel@example.de',
  'The discount code SPRING15 did not work, and I paid the full $64.20 for order A-48590. Could you refund the difference? Sincerely, Noah Bennett',
  'What is the warranty of the Makita saw? I could not find it on the product page.',
  'My name is Chloe Dubois. I got an email that my account has been locked. Is it from you or is it phishing? Please answer quickly.',
  'Broken again! This is the third Logitech mouse in a year. Awful quality. I want my money back, 39.99 euros, order A-48603.',
  'Hi, could you please send me the invoice of order A-48611 as a PDF? My tax adviser asks for it. Regards, Stefan Wagner, stefan.wagner@example.de',
  'The bicycle helmet is fantastic, light and comfortable, but it came a day late. Still happy! Order A-48615. Nina Olsen',
  'I sent the shoes back on May 3 under order A-48620. When will I get my refund of $112.00? Alice Morgan',
  'Is it possible to pay by instalments? I am thinking about the Samsung television for 899.00 euros. Greetings, Pavel Novak',
  'We are a school and ordered 24 calculators (order A-48633). Only 20 were in the box. Exams begin on Thursday, so it is urgent. Margaret Hughes, office@example.edu',
  'I can not change the phone number in my account, the page shows an error. Kenji Sato',
  'The zip of the tent is torn. We discovered it in the rain in Scotland, thank you very much... Order A-48640. Terrible. Fiona Campbell',
  'Thank you for replacing the kettle so quickly. Excellent! My name is Arjun Mehta.',
  'Payment for order A-48644 was declined although my card is fine. It shows a hold of $310.45 at my bank. Please check the billing. Laura Schmidt',
  'hey, tracking link for order A-48650 is dead, can u resend? thx, mike',
  'My name is Isabel Costa. I would like to return the Adidas running shoes, they are too small. Order A-48655. How does it work?',
  'The battery of the Xiaomi scooter does not charge any more after one month. Order A-48661. I use it to get to work every day, so please hurry. Leo Fontaine, leo.fontaine@example.fr',
  'You have billed me for a subscription of $9.99 that I cancelled in March. Stop this and refund all three months. Samantha Price, sam.price@example.com',
  'Do the Bose speakers support two phones at once? Thanks in advance. Yusuf Demir',
  'Great shop, great prices, I have recommended you to all of my friends. Maria Gonzalez',
  'My delivery of the garden table, order A-48677, comes in two parts and only one arrived. When can I expect the other? Best regards, Henrik Berg',
  'I am locked out of my account, and I have to approve an order for my company today!! Urgent. Diana Ivanova, d.ivanova@example.com',
  'The Tefal pan lost its coating after five uses. That is a defect. Order A-48683, price 45.90 euros. Please send a new one. George Papadakis',
  'Hello. On my invoice for order A-48690 you have written "Jon Smyth". My name is John Smith. Please correct it when you have time.',
  'Received a used book instead of a new one. Disappointed. Order A-48695. Clara Jensen',
  'Could I get the assembly instructions of the Hauck pram? I bought it second hand, so I have no order number. Thank you! Eva Horvat',
  'The courier threw my parcel over the fence. The vase in it is broken, of course. Order A-48701, $58.00. I expect a refund. William Turner',
  'Superb. The Le Creuset pot is worth every cent of its 249.00 euros. - Amelie',
  'I ordered by mistake. Please cancel order A-48710 before it is shipped, it has to be quick! Ryan Cooper, ryan.cooper@example.com',
  'My refund for A-48714 was 20.00 euros less than I paid. You deducted the shipping although the product was defective. Please pay the rest. Katarina Novakova',
  'The app logs me out of my account every time I open it. It is annoying. I use a Pixel 8. Tim Brandt',
  'Is the Braun shaver sold with a charger, or do I have to order it separately? Regards, Carlos Silva',
  'I have been waiting for the delivery of a washing machine since the 2nd. Two appointments were missed and I took days off for both. Order A-48722. Unacceptable! Monika Fischer, monika.fischer@example.at',
  'Good morning, a short note of praise: the gift wrapping was beautiful and my mother was delighted. Order A-48725. Elena Popescu',
  'The heating blanket got so hot that it burned a hole into the sofa!!! Order A-48731. This is dangerous, react immediately. Brian Walsh',
  'I do not understand the amount of $17.35 on my card statement from you, I have not ordered anything. Who can check the billing? Zoe Martin',
  'How do I redeem a gift card of 50.00 euros in my account? Thanks, Felix',
  'One of the six glasses arrived broken, order A-48740. No need to hurry, but a replacement would be nice. Ursula Keller',
  'My name is Ahmed Farouk. Please update my account to the new company name and send me a confirmation at ahmed.farouk@example.com.',
  'The Fitbit tracker shows the wrong time after the update and cannot be paired. Order A-48748. I have tried everything in the manual. Sarah Cohen',
  'Why does the delivery of order A-48752 cost $24.00 when the page said free shipping? Jack Murphy',
  'I am very happy with the mattress, I sleep like a baby. The delivery men were friendly and took the old one with them. Beatrice Lang',
  'Please refund order A-48760, 75.50 euros. The concert that I bought the binoculars for was cancelled, they are still in their box. Martin Horak, martin.horak@example.cz',
  'Can the Weber grill be used on a balcony? My landlord asks. Regards, Simone Weiss',
  'The laptop bag is missing its shoulder strap. Order A-48766. It was listed in the description. Could you send it on? Thomas Andersson',
  'Your chat bot is useless, I have explained my problem four times. My account was charged 12.00 euros without a reason. I want to talk to a person today. Irene Blanco',
  'Hi, the parcel shop closed before I could collect order A-48771. Could you have it delivered again? Thank you so much, Patricia Nowak',
  'The children love the wooden train set! It was well packed and arrived early. Thank you. Oliver Grant',
  'Two of the printer cartridges are dry. They are within their date. Order A-48779, $36.80 for the pair. Replace or refund, as you like. Wendy Carter',
  'Is there a way to merge two accounts? I have one under nora.lind@example.se and one under an old address. It can wait. Nora Lind',
] as const

/** Each sample is one batch. `fields` are the columns of the table that shows the first `rows` results. */
export const samples = [
  { title: 'seven people', extractor: personExtractor, texts: people, fields: ['name', 'age'], rows: 7 },
  {
    title: `${tickets.length} messages to a shop`,
    extractor: ticketExtractor,
    texts: tickets,
    fields: ['customer', 'product', 'order_number', 'amount', 'category', 'urgency', 'sentiment'],
    rows: 12,
  },
] as const

/**
 * What the page shows at work: the messages several times, two at a time, so that some two minutes of it can be watched. Any other batch
 * on the lane has ten times its weight or more. Only for the simulator, where calls cost nothing.
 */
export const watchedSample = {
  name: 'sample: messages to a shop',
  extractor: ticketExtractor,
  texts: Array.from({ length: 10 }, () => tickets).flat(),
  concurrency: 2,
  priority: 1,
  metadata: { sample: true },
} as const

/** Calls that the samples make when every answer is valid. */
export const sampleCalls = people.length + tickets.length
