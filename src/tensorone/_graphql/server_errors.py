"""What a response means: one table from status, code and words to the error tree. Pure.

Whatever the table does not know stays a plain `QueryError`: a wrong guess about money is worse than none.
The sibling API says "pod" where this one may say "cluster"; both are understood. Where the words come from is
listed in docs/emulator.md; where those of rate limits come from, beside their rows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from tensorone._data.json import as_object
from tensorone._errors import (
    AuthenticationError,
    BidTooLow,
    ClusterNotFound,
    NoCapacity,
    OperationUnsupported,
    QueryError,
    RateLimited,
)

from . import extension_values

if TYPE_CHECKING:
    from collections.abc import Mapping


OK, UNAUTHORIZED, FORBIDDEN, TOO_MANY_REQUESTS = 200, 401, 403, 429


# The server failed somewhere inside, perhaps after it had acted.
INTERNAL_CODES = frozenset({"INTERNALSERVERERROR"})


# Codes of rate limits, without case, dashes and blanks. RATE_LIMITED: GitHub, in `type`, and ravangen's directive;
# RATELIMITED: Linear; THROTTLED: Shopify; TOO_MANY_REQUESTS: Apollo; rate-limit-exceeded: Hasura; rate-limit:
# Lighthouse, in `category`; ThrottlingException, TooManyRequestsException: AppSync, in `errorType`;
# rateLimitExceeded, userRateLimitExceeded: Google; ENHANCE_YOUR_CALM, THROTTLED_CPU: DGS, in `errorDetail`.
# REQUEST_CONCURRENCY_LIMITED: Apollo's router, which sheds load.
# Not QUOTA_EXCEEDED, LIMIT_EXCEEDED and RESOURCE_EXHAUSTED: they may mean a quota of GPUs, which waiting does not lift.
# Nor codes with the name of a data source before them, as AppSync writes "DynamoDB:ThrottlingException": that source
# may have been asked after another one acted.
_LIMIT_CODES = r"""
    (?:API|HTTP|ERR(?:OR)?|GRAPHQL|USER|ACCOUNT|SECONDARY|EXCEEDED|429)*
    (?: 429 | RATELIMIT(?:ED|ER|ING|S)? | RATEEXCEEDED | THROTTL(?:E|ED|ER|ING) | THROTTLED(?:CPU|CONCURRENCY)
      | TOOMANY(?:API|CONCURRENT|GRAPHQL)?REQUESTS? | REQUESTS?(?:RATE)?(?:LIMIT(?:ED)?|THROTTLED)
      | (?:MAX)?(?:REQUESTS?)?CONCURRENCYLIMIT(?:ED)?
      | (?:API|RATE|REQUESTS?)QUOTA | SLOWDOWN | ENHANCEYOURCALM )
    (?:EXCEEDED|REACHED|HIT|ERROR|EXCEPTION|PER(?:SECOND|MINUTE|HOUR|DAY))*
"""


_OVER = r"(?:exceed(?:ed|s|ing)?|reached|hit|over|exhausted|used\ up)"


_PER = r"\ ?(?:/|\b(?:per|a|an|every|in|within)\b)\ ?(?:\d+\ ?)?(?:second|sec|minute|min|hour|day)s?\b"


_MOST = r"\b(?:number\ of|max(?:imum)?)\ (?:allowed\ |number\ of\ )?(?:api\ )?(?:requests|calls)"


# Words of rate limits. "You are trying to access 'x' too often": graphql-rate-limit and Envelop; "API rate limit
# exceeded", "You have exceeded a secondary rate limit": GitHub; "Rate limit for Query.x exceeded. Try again later.":
# Lighthouse; "Throttled": Shopify; "Request was throttled. Expected available in 9 seconds.": Django REST framework;
# "Rate exceeded", "Too Many Requests": AWS; "Too many requests, please try again in 9 seconds.": ravangen's
# directive; "ThrottlerException: Too Many Requests": Nest; "Too Many Attempts.": Laravel; "Quota exceeded for quota
# metric 'Queries' and limit 'Queries per minute'": Google; "You have triggered an abuse detection mechanism", "was
# submitted too quickly": GitHub; "This endpoint has been requested too many times": GitLab; "You're doing that too
# much": Fly; "Request blocked by rate limit": limiters of graphene.
_LIMIT_WORDS = rf"""
      \btoo\ many\ (?:api\ |http\ |graphql\ |concurrent\ )?(?:requests|attempts|calls)\b
    | \btoo\ many\ (?:queries|operations|mutations){_PER}
    | ^429\b | \b(?:status|code|http|error)\W.{{0,9}}\b429\b
    | \b(?:access|calls?|request(?:s|ing)?|query(?:ing)?)\b.{{0,90}}\btoo\ (?:often|frequently|fast|quickly)\b
    | \b(?:requested|called|queried)\b.{{0,30}}\btoo\ many\ times\b
    | \b(?:submitted|sent|made|doing\ (?:that|this|it))\b.{{0,30}}\btoo\ (?:much|often|frequently|fast|quickly)\b
    | \babuse\ detection\ mechanism\b
    | \b(?:by|due\ to|because\ of)\ (?:the\ |a\ |an\ |our\ |your\ )?(?:api\ )?rate[ -]?limit(?:s|er|ing)?\b
    | \brate[ -]?limit(?:s|ing)?\b.{{0,90}}\b(?:{_OVER}|try\ again|retry|wait|in\ effect|active)\b
    | ^rate\ exceeded\b
    | \brate[ -]?limiter\b.{{0,90}}\b(?:{_OVER}|rejected|refused|blocked|denied)\b
    | \b(?:rejected|refused|blocked|denied)\b.{{0,30}}\brate[ -]?limiter\b
    | ^rate[ -]?limit\b\W+\d+\ ?(?:requests|calls|queries)\b
    | \b{_OVER}\b.{{0,60}}\brate[ -]?limits?\b
    | \b(?:are|is|be|been|being|was|were|get|got)\ (?:temporarily\ )?rate[ -]?limited\b
    | ^(?:error:\ *)?rate[ -]?limit(?:ed|ing)?\b\W*(?:by\b.*|$) | ^rate[ -]limited\b | \brate[ -]limited\W*$
    | ^(?:request\ |requests\ |query\ |operation\ |api\ )?throttl(?:ed|ing)\b
    | \b(?:requests?|calls?|operations?|mutations?|quer(?:y|ies)|account|client|you|key)\b.{{0,30}}\bthrottled\b
    | \bthrottl\w+exception\b
    | ^(?:please\ )?slow\ down\b
    | \b(?:requests?|api|calls?)[ ](?:rate\ |usage\ )?limit\b.{{0,30}}\b{_OVER}\b
    | \b{_OVER}\b.{{0,40}}\b(?:requests?|api|calls?)[ ](?:rate\ )?(?:limit|quota)\b
    | \b(?:requests?|api|calls?|quer(?:y|ies)|rate)[ ]quota\b.{{0,30}}\b{_OVER}\b
    | \bquota\b.{{0,90}}\b(?:requests|calls|queries){_PER}
    | \b{_OVER}\b.{{0,60}}\b(?:requests|calls|queries){_PER}
    | \b(?:requests|calls|queries){_PER}.{{0,40}}\b{_OVER}\b
    | {_MOST}\b.{{0,40}}\b{_OVER}\b | \b{_OVER}\b.{{0,60}}{_MOST}\b
    | \b(?:request|query|api|call)\ rate\b.{{0,30}}\b(?:too\ (?:high|large)|large|{_OVER})\b
    | \bexcessive\ (?:api\ |number\ of\ )?(?:requests?|calls|queries)\b
    | \bburst\ (?:limit|rate|capacity|quota)\b.{{0,30}}\b{_OVER}\b | \bflood\ (?:control|protection|wait)\b
    | \bback[ -]?off\b.{{0,40}}\b(?:requested|required|retry|wait)\b
    | \blimit\b.{{0,60}}\b{_OVER}\b.{{0,60}}\b(?:retry|again|wait)\b.{{0,20}}\b\d+\ ?(?:ms|m|s)
    | \breduce\b.{{0,30}}\b(?:request\ rate|rate\ of\ requests|number\ of\ requests)\b
"""


# Other limits, which waiting does not lift, or which are not the API's: of money, of machines, of an argument, of one
# document, of the registry that images are pulled from.
_OTHER_LIMITS = r"""
      \b(?:spend|spending|budget|billing|credits?|balance|usd|dollars?|hourly\ rate)\b | \$\ ?\d
    | ^(?:argument|variable|input)\b | \b(?:image|registry|docker|pull)\b.{0,30}\brate\ limit
    | \b(?:depth|complexity|aliases|batch\w*)\b | \bquery\ cost\b
    | \b(?:gpu|pod|cluster|instance|machine|vcpu|volume|disk|template|endpoint|worker)s?\ (?:limit|quota|count)\b
    | \b(?:limit|quota|number)\ (?:of|for|on)\ (?:your\ |running\ )?(?:gpu|pod|cluster|instance|machine|volume)s?\b
"""


class Row(NamedTuple):
    """Words of the server, or codes, and what they mean.

    Attributes:
        kind: Class of the error.
        words: Pattern that the message of an entry has somewhere.
        codes: Pattern of a whole code, as `extension_values.squeezed` writes it.
        anywhere: Whether the code may have any place and name, and may be an HTTP status.
        unless: Pattern of a message that means something else.
    """

    kind: type[QueryError]
    words: str = ""
    codes: str = ""
    anywhere: bool = False
    unless: str = ""

    def matches(self, entry: Mapping[str, Any]) -> bool:
        """Whether this row is about such an entry."""
        # A message may be a code, too.
        said = message_of(entry)
        first = said.partition(":")[0]  # as in "RateLimitExceeded: try again later"
        codes = (*extension_values.codes(entry), *map(extension_values.squeezed, (said, first)))
        codes = codes if self.anywhere else (code_of(entry),)
        return any(map(self._has_code, codes)) or self._has_words(message_of(entry))

    def _has_code(self, code: str) -> bool:
        return bool(self.codes) and re.fullmatch(self.codes, code, re.VERBOSE) is not None

    def _has_words(self, message: str) -> bool:
        words = message[:_LONGEST]
        found = self.words and re.search(self.words, words, _FLAGS)
        return bool(found) and not (self.unless and re.search(self.unless, words, _FLAGS))


_LONGEST = 2000  # characters of a message that are searched


_FLAGS = re.IGNORECASE | re.VERBOSE | re.DOTALL


# The first row that matches an entry decides. Words of a limit stand behind whatever is certain: "Cannot query field
# 'rateLimit'" is not a limit; and before FORBIDDEN, which servers write beside them.
TABLE = (
    Row(RateLimited, codes=_LIMIT_CODES, anywhere=True),
    Row(AuthenticationError, codes="UNAUTHENTICATED|UNAUTHORIZED"),
    Row(ClusterNotFound, codes="PODNOTFOUND|CLUSTERNOTFOUND"),
    Row(OperationUnsupported, codes="GRAPHQLVALIDATIONFAILED"),
    Row(AuthenticationError, r"^(unauthorized|unauthenticated|forbidden|not\ authenticated|not\ authorized)\b"),
    Row(ClusterNotFound, r"\b(pod|cluster)\ not\ found\b"),
    Row(NoCapacity, r"no\ longer\ any\ instances\ available|no\ instances\ currently\ available"),
    Row(NoCapacity, r"machine\ does\ not\ have\ the\ resources\ to\ deploy"),
    Row(NoCapacity, r"not\ enough\ free\ gpus\ on\ the\ host"),
    Row(BidTooLow, r"\bbid\b.{0,60}\b(below|lower\ than|less\ than|too\ low|at\ least)\b"),
    Row(OperationUnsupported, r"^cannot\ query\ field\b|^unknown\ (argument|type)\b|is\ not\ defined\ by\ type"),
    Row(OperationUnsupported, r"^schema\ is\ not\ configured\ (to\ execute|for)\b"),  # it has no mutations at all
    Row(RateLimited, _LIMIT_WORDS, unless=_OTHER_LIMITS),
    Row(AuthenticationError, codes="FORBIDDEN"),
)

_NAMES = re.compile(
    r"""(?:cannot\ query\ field|unknown\ argument|unknown\ type|(?:^|;\ )field)\s+["'“](?P<name>[\w.]+)["'”]""",
    re.IGNORECASE | re.VERBOSE,
)


def error_class(errors: list[Mapping[str, Any]], status: int, *, asked_to_wait: bool = False) -> type[QueryError]:
    """The class of error that the entries and the HTTP status stand for.

    Args:
        errors: The entries.
        status: HTTP status.
        asked_to_wait: Whether there is a `Retry-After`, beside which 403 says nothing about the key: GitHub limits so.
    """
    kinds = [_kind(entry) for entry in errors]
    if status == TOO_MANY_REQUESTS or RateLimited in kinds:
        return RateLimited
    if status == UNAUTHORIZED:
        return AuthenticationError
    if known := next((kind for kind in kinds if kind is not QueryError), None):
        return known
    if status == FORBIDDEN:
        return RateLimited if asked_to_wait else AuthenticationError
    return QueryError


def _kind(entry: Mapping[str, Any]) -> type[QueryError]:
    return next((row.kind for row in TABLE if row.matches(entry)), QueryError)


def is_limit(entry: Mapping[str, Any]) -> bool:
    """Whether an entry says that too many requests were sent."""
    return _kind(entry) is RateLimited


def may_have_acted(errors: list[Mapping[str, Any]], status: int) -> bool:
    """Whether the server may have acted although it answered with errors; a limit stands before any action."""
    if status == TOO_MANY_REQUESTS:
        return False
    limits = [is_limit(entry) for entry in errors]
    failed = any(code_of(entry) in INTERNAL_CODES and not limit for entry, limit in zip(errors, limits, strict=True))
    return failed or (status >= 500 and not any(limits))  # noqa: PLR2004 - HTTP's server errors


def message_of(entry: Mapping[str, Any]) -> str:
    """The words of one entry of `errors`; servers are known to leave them out."""
    message = entry.get("message")
    return message if isinstance(message, str) else ""


def code_of(entry: Mapping[str, Any]) -> str:
    """`extensions.code` of one entry without case, dashes and blanks, or nothing."""
    return extension_values.squeezed((as_object(entry.get("extensions")) or {}).get("code"))


def unsupported_name(errors: list[Mapping[str, Any]]) -> str | None:
    """The field, argument or type that the server says it does not know."""
    for entry in errors:
        if found := _NAMES.search(message_of(entry)):
            return found["name"]
    return None
