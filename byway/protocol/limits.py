"""Every size, count and time that the protocol bounds, each with its reason."""

from typing import Final

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS

# statements
MAX_BODY_BYTES: Final = 32_768  # an agreement holds an offer of the largest size class, and some
MAX_TIME_MS: Final = 253_402_300_799_000  # the last second of the year 9999, which every date library can show
MAX_CLOCK_SKEW_MS: Final = 2 * MINUTE_MS  # how far ahead a sender's clock may be before it must be wrong
CREATED_STEP_MS: Final = 10 * MINUTE_MS  # casts made together do not stand out by their minute
EXPIRES_STEP_MS: Final = HOUR_MS
SIZE_CLASSES: Final = (1024, 2048, 4096, 8192, 16_384)  # five lengths tell little about what was said

# canonical msgpack
MAX_DEPTH: Final = 16  # schema.org maps nest about five deep
MAX_VALUES: Final = 4096  # bounds the work of a walk; 32 kB of real wishes hold a few hundred
MIN_INTEGER: Final = -(2**63)
MAX_INTEGER: Final = 2**63 - 1  # what every language and SQLite can hold
MAX_SERIAL: Final = 2**53  # exact in JavaScript too
MAX_DECIMAL_EXPONENT: Final = 18

# names
MAX_URN_BYTES: Final = 255
MAX_SEGMENTS: Final = 16  # the Google product taxonomy is seven deep
MAX_SEGMENT_BYTES: Final = 64

# casts and what answers them
MAX_FACETS: Final = 64
MAX_FACET_NAME: Final = 32
MAX_TEXT_BYTES: Final = 256
MAX_SET_TEXTS: Final = 64
MAX_SET_TEXT_BYTES: Final = 64
MIN_DAY: Final = -719_162  # 0001-01-01: where date libraries begin
MAX_DAY: Final = 2_932_896  # 9999-12-31: ISO 8601 writes a year with four digits
MIN_INSTANT_MS: Final = MIN_DAY * DAY_MS
MAX_INSTANT_MS: Final = (MAX_DAY + 1) * DAY_MS - 1  # one millisecond before the year 10,000
MAX_METRES: Final = 20_100_000  # half the circumference of the earth
MAX_REPLY_KEYS: Final = 4  # one per suite, with room for post-quantum ones
MAX_OFFERS: Final = 1000
MAX_SERIALS: Final = 16  # of one signer in one mailbox: enough to change an offer, too few to pester
MAX_TERMS: Final = 8
MAX_MAILBOX_BYTES: Final = 16_777_216  # a thousand offers of the largest class
MAX_ADDRESSES: Final = 8
MAX_HOMES: Final = 8
MAX_NODE_RECORD_BYTES: Final = 1536  # eight homes and a messaging authority are 13.5 kB,
MAX_TOPIC_RECORD_BYTES: Final = 2560  # and an answer with all of them is 16 kB at most
MAX_LABEL_BYTES: Final = 64
MAX_TTL_S: Final = 7 * 24 * 3600

# filters
MAX_EXPRESSIONS: Final = 64  # bounds the work of one evaluation
MAX_FILTER_DEPTH: Final = 8
MAX_OPERANDS: Final = 32
MAX_CHOICES: Final = 64
MAX_FILTER_BYTES: Final = 4096

# frames and links
MAX_FRAME_BYTES: Final = 1_048_576  # 31 statements of the largest size, or 900 casts of the smallest
MAX_OPENING_FRAME_BYTES: Final = 4096  # nothing before both hellos needs more
MAX_OPENING_BYTES: Final = 65_536  # what a stranger may cost us in buffers
HELLO_TIMEOUT_S: Final = 5.0
MAX_BATCH: Final = 512  # statements in one Submit: one commit's worth
MAX_SUB_BYTES: Final = 64
MAX_SUBSCRIPTIONS: Final = 1024  # for one key
IDLE_SUBSCRIPTION_MS: Final = 30 * DAY_MS  # as long as a cast lives: whatever was missed in that time has expired
SUBMIT_CREDIT: Final = 1_048_576
MAX_ALSO: Final = 4096  # acks above `through` in one frame
ACK_TIMEOUT_S: Final = 30.0
PING_AFTER_S: Final = 30.0
PONG_WITHIN_S: Final = 10.0
MAX_STAMP_BITS: Final = 28  # some minutes of one core; who asks for more shuts people out, phones first
STAMP_NONCE_BYTES: Final = 8  # more than anybody can try
MAX_STAMP_BYTES: Final = 256  # a blind token is a signature, by RSA with 2,048 bits at most
RETRY_AFTER_MS: Final = 5_000  # what is temporary is mended by a sweep or an operator, not in an instant
