"""Countries by every name a shopper or a shop writes, as lower-case ISO 3166-1 codes.

The codes are alpha-2, and `xk` (Kosovo, user-assigned, sent by shop systems). Names are
compared without case, accents, spaces and punctuation.
"""

import unicodedata
from functools import lru_cache

_COUNTRIES = """
ad and Andorra
ae are United Arab Emirates|UAE|Emirates
af afg Afghanistan
ag atg Antigua and Barbuda|Antigua
ai aia Anguilla
al alb Albania|Shqiperia
am arm Armenia
ao ago Angola
aq ata Antarctica
ar arg Argentina
as asm American Samoa
at aut Austria|Österreich|Oesterreich
au aus Australia
aw abw Aruba
ax ala Åland Islands|Aland
az aze Azerbaijan
ba bih Bosnia and Herzegovina|Bosnia|Bosna i Hercegovina
bb brb Barbados
bd bgd Bangladesh
be bel Belgium|Belgique|België|Belgien
bf bfa Burkina Faso
bg bgr Bulgaria|България
bh bhr Bahrain
bi bdi Burundi
bj ben Benin
bl blm Saint Barthélemy|St Barts
bm bmu Bermuda
bn brn Brunei Darussalam|Brunei
bo bol Bolivia|Plurinational State of Bolivia
bq bes Bonaire, Sint Eustatius and Saba|Caribbean Netherlands|Bonaire
br bra Brazil|Brasil
bs bhs Bahamas|The Bahamas
bt btn Bhutan
bv bvt Bouvet Island
bw bwa Botswana
by blr Belarus
bz blz Belize
ca can Canada
cc cck Cocos (Keeling) Islands|Cocos Islands
cd cod Democratic Republic of the Congo|Congo Kinshasa|DR Congo|Congo - Kinshasa
cf caf Central African Republic
cg cog Congo|Republic of the Congo|Congo Brazzaville
ch che Switzerland|Schweiz|Suisse|Svizzera
ci civ Côte d'Ivoire|Ivory Coast
ck cok Cook Islands
cl chl Chile
cm cmr Cameroon
cn chn China|People's Republic of China|PRC|Mainland China|中国
co col Colombia
cr cri Costa Rica
cu cub Cuba
cv cpv Cabo Verde|Cape Verde
cw cuw Curaçao
cx cxr Christmas Island
cy cyp Cyprus|Κύπρος
cz cze Czechia|Czech Republic|Česko|Česká republika
de deu Germany|Deutschland|Federal Republic of Germany|Allemagne|Alemania
dj dji Djibouti
dk dnk Denmark|Danmark
dm dma Dominica
do dom Dominican Republic|República Dominicana
dz dza Algeria
ec ecu Ecuador
ee est Estonia|Eesti
eg egy Egypt
eh esh Western Sahara
er eri Eritrea
es esp Spain|España|Espagne
et eth Ethiopia
fi fin Finland|Suomi
fj fji Fiji
fk flk Falkland Islands
fm fsm Micronesia|Federated States of Micronesia
fo fro Faroe Islands
fr fra France|Frankreich|Francia
ga gab Gabon
gb gbr United Kingdom|UK|Great Britain|Britain|England|Scotland|Wales|Northern Ireland|\
United Kingdom of Great Britain and Northern Ireland
gd grd Grenada
ge geo Georgia
gf guf French Guiana
gg ggy Guernsey
gh gha Ghana
gi gib Gibraltar
gl grl Greenland
gm gmb Gambia|The Gambia
gn gin Guinea
gp glp Guadeloupe
gq gnq Equatorial Guinea
gr grc Greece|Hellas|Ελλάδα
gs sgs South Georgia and the South Sandwich Islands
gt gtm Guatemala
gu gum Guam
gw gnb Guinea-Bissau
gy guy Guyana
hk hkg Hong Kong|Hong Kong SAR|香港
hm hmd Heard Island and McDonald Islands
hn hnd Honduras
hr hrv Croatia|Hrvatska
ht hti Haiti
hu hun Hungary|Magyarország
id idn Indonesia
ie irl Ireland|Éire|Republic of Ireland
il isr Israel|ישראל
im imn Isle of Man
in ind India|Bharat|भारत
io iot British Indian Ocean Territory
iq irq Iraq
ir irn Iran|Islamic Republic of Iran
is isl Iceland|Ísland
it ita Italy|Italia|Italien
je jey Jersey
jm jam Jamaica
jo jor Jordan
jp jpn Japan|Nippon|日本
ke ken Kenya
kg kgz Kyrgyzstan
kh khm Cambodia
ki kir Kiribati
km com Comoros
kn kna Saint Kitts and Nevis|St Kitts and Nevis
kp prk North Korea|Democratic People's Republic of Korea|DPRK
kr kor South Korea|Korea|Republic of Korea|Korea, Republic of|대한민국|한국
kw kwt Kuwait
ky cym Cayman Islands
kz kaz Kazakhstan
la lao Laos|Lao People's Democratic Republic
lb lbn Lebanon
lc lca Saint Lucia|St Lucia
li lie Liechtenstein
lk lka Sri Lanka
lr lbr Liberia
ls lso Lesotho
lt ltu Lithuania|Lietuva
lu lux Luxembourg|Luxemburg
lv lva Latvia|Latvija
ly lby Libya
ma mar Morocco|Maroc
mc mco Monaco
md mda Moldova|Republic of Moldova
me mne Montenegro|Crna Gora
mf maf Saint Martin|St Martin
mg mdg Madagascar
mh mhl Marshall Islands
mk mkd North Macedonia|Macedonia
ml mli Mali
mm mmr Myanmar|Burma
mn mng Mongolia
mo mac Macao|Macau|Macao SAR
mp mnp Northern Mariana Islands
mq mtq Martinique
mr mrt Mauritania
ms msr Montserrat
mt mlt Malta
mu mus Mauritius
mv mdv Maldives
mw mwi Malawi
mx mex Mexico|México|United Mexican States
my mys Malaysia
mz moz Mozambique
na nam Namibia
nc ncl New Caledonia
ne ner Niger
nf nfk Norfolk Island
ng nga Nigeria
ni nic Nicaragua
nl nld Netherlands|The Netherlands|Holland|Nederland|Niederlande|Pays-Bas
no nor Norway|Norge|Noreg
np npl Nepal
nr nru Nauru
nu niu Niue
nz nzl New Zealand|Aotearoa
om omn Oman
pa pan Panama|Panamá
pe per Peru|Perú
pf pyf French Polynesia|Tahiti
pg png Papua New Guinea
ph phl Philippines|The Philippines|Pilipinas
pk pak Pakistan
pl pol Poland|Polska
pm spm Saint Pierre and Miquelon
pn pcn Pitcairn
pr pri Puerto Rico
ps pse Palestine|State of Palestine|Palestinian Territories
pt prt Portugal
pw plw Palau
py pry Paraguay
qa qat Qatar
re reu Réunion
ro rou Romania|România
rs srb Serbia|Srbija
ru rus Russian Federation|Russia|Россия
rw rwa Rwanda
sa sau Saudi Arabia|KSA|Kingdom of Saudi Arabia
sb slb Solomon Islands
sc syc Seychelles
sd sdn Sudan
se swe Sweden|Sverige
sg sgp Singapore
sh shn Saint Helena, Ascension and Tristan da Cunha|Saint Helena
si svn Slovenia|Slovenija
sj sjm Svalbard and Jan Mayen
sk svk Slovakia|Slovak Republic|Slovensko
sl sle Sierra Leone
sm smr San Marino
sn sen Senegal
so som Somalia
sr sur Suriname
ss ssd South Sudan
st stp São Tomé and Príncipe
sv slv El Salvador
sx sxm Sint Maarten
sy syr Syria|Syrian Arab Republic
sz swz Eswatini|Swaziland
tc tca Turks and Caicos Islands
td tcd Chad
tf atf French Southern Territories
tg tgo Togo
th tha Thailand
tj tjk Tajikistan
tk tkl Tokelau
tl tls Timor-Leste|East Timor
tm tkm Turkmenistan
tn tun Tunisia
to ton Tonga
tr tur Türkiye|Turkey
tt tto Trinidad and Tobago|Trinidad
tv tuv Tuvalu
tw twn Taiwan|台灣|臺灣
tz tza Tanzania|United Republic of Tanzania
ua ukr Ukraine|Україна
ug uga Uganda
um umi United States Minor Outlying Islands
us usa United States|United States of America|America|The United States|Estados Unidos|États-Unis
uy ury Uruguay
uz uzb Uzbekistan
va vat Vatican City|Holy See
vc vct Saint Vincent and the Grenadines|St Vincent
ve ven Venezuela|Bolivarian Republic of Venezuela
vg vgb British Virgin Islands
vi vir U.S. Virgin Islands|US Virgin Islands
vn vnm Vietnam|Viet Nam|Việt Nam
vu vut Vanuatu
wf wlf Wallis and Futuna
ws wsm Samoa
xk xkx Kosovo
ye yem Yemen
yt myt Mayotte
za zaf South Africa|RSA
zm zmb Zambia
zw zwe Zimbabwe
"""


def plain(name: str) -> str:
    """`name` without case, accents, spaces and punctuation: what names are compared by."""
    if not name.isascii():
        name = unicodedata.normalize("NFKD", name)
    return "".join(filter(str.isalnum, name.casefold()))


def _country_names() -> dict[str, str]:
    names = {}
    for line in filter(None, _COUNTRIES.replace("\\\n", "").splitlines()):
        code, alpha3, spelled = line.split(" ", 2)
        names[code] = names[alpha3] = code
        names |= {plain(name): code for name in spelled.split("|")}
    return names


_CODE_BY_COUNTRY = _country_names()

COUNTRY_CODES = frozenset(_CODE_BY_COUNTRY.values())
"""Every country code that `country_code` can give."""


@lru_cache(maxsize=4096)
def country_code(name: str) -> str | None:
    """The lower-case ISO 3166-1 alpha-2 code of a country's code or name; None if unknown."""
    return _CODE_BY_COUNTRY.get(plain(name))
