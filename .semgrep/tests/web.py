# ruleid: no-csrf-exempt
from django.views.decorators.csrf import csrf_exempt


# ruleid: no-csrf-exempt
@csrf_exempt
def hook(request): ...


# ruleid: no-marked-text
mark_safe(text)
# ruleid: no-marked-text
SafeString(text)
# ok: no-marked-text
SafeString("")
# ruleid: no-marked-text
format_html(f"<b>{text}</b>")
# ruleid: no-marked-text
format_html("<b>%s</b>" % text)
# ruleid: no-marked-text
format_html("<b>" + text)
# ruleid: no-marked-text
format_html("<b>{}</b>".format(text))
# ok: no-marked-text
format_html("<b>{}</b>", text)
# ruleid: no-unverified-tls
httpx.Client(verify=False)
# ruleid: no-unverified-tls
context.check_hostname = False
# ruleid: no-unverified-tls
context.verify_mode = ssl.CERT_NONE
# ruleid: no-unverified-tls
redis.Redis(ssl_cert_reqs="none")
# ok: no-unverified-tls
httpx.Client(verify=context)
# ruleid: no-secret-logged
log.info("The key is %s", settings.SECRET_KEY)
# ruleid: no-secret-logged
log.error(f"refused {token}")
# ok: no-secret-logged
log.info("The key of %s", key.owner)
# ruleid: no-secret-printed
print(password)
# ruleid: no-secret-printed
print(f"sign in with {self.password}")
# ok: no-secret-printed
print(f"{tokens} tokens")
