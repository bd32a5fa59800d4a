// Memory protection keys: the key of a mapping and the rights in PKRU stay.
#include "subject.h"

int main(void) {
  int key = pkey_alloc(0, PKEY_DISABLE_WRITE);
  if (key < 0) subject_skip("no protection keys: %s", strerror(errno));
  char* area =
      CHECK_MAP(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  area[0] = 'k';
  CHECK_OK(pkey_mprotect(area, 4096, PROT_READ | PROT_WRITE, key));
  STEP("key");
  CHECK_EQ(pkey_get(key), PKEY_DISABLE_WRITE);
  CHECK_EQ(area[0], 'k');
  CHECK_OK(pkey_set(key, 0));
  area[0] = 'w';
  int other = (int)CHECK_OK(pkey_alloc(0, 0));
  CHECK(other != key);
  subject_done();
}
