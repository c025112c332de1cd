<?xml version="1.0" encoding="UTF-8"?>
<!--
  The body of an OpenDocument file → its script: plain text with marks, which opendocument_script.py turns into Markdown.

  A mark begins with a tab, a carriage return (blocks) or a line end (in blocks); the text itself holds none of them. In this table → is
  a tab, ␍ a return, ␊ a line end, and words are text with the marks of the lower half.

      → words             a paragraph                        ␍< goes on style     a list begins, or goes on counting if `true`
      ␍H level words      a heading                          ␍- number            an item; its blocks follow
      ␍T words            a title                            ␍= → words …         items of one paragraph each
      ␍C words            a line of code                     ␍>                   a list ends
      ␍P number           a page
      ␍| rows ␍.          a table                            ␍M rows ␍.           one with merged or repeated cells

      ␊r cells            a row                              ␊s, ␊t, ␊n           a blank that counts, a tab, the end of a line
      ␊c → words …        a cell                             ␊[ words ␊( address ␊)    a link
      ␊c columns,rows,times → words …                        ␊^ → words … ␊)      a note
                          a cell of ␍M; a covered one has no columns

  Templates without a mode give words, with a tab before each paragraph; those of the mode `blocks` give blocks. Of elements that are not
  named here, what is in them counts. No pattern has a condition: libxslt takes quadratic time for that.

  Reference: OASIS OpenDocument 1.3, part 3. `title`, `code` and `@number` are put there by opendocument.py.
-->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
    xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"
    xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
    xmlns:presentation="urn:oasis:names:tc:opendocument:xmlns:presentation:1.0"
    xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0"
    xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
    xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
    xmlns:xlink="http://www.w3.org/1999/xlink">

  <xsl:output method="text" encoding="UTF-8"/>

  <!-- 64 blanks: no more of them count in one place -->
  <xsl:variable name="eight" select="'&#10;s&#10;s&#10;s&#10;s&#10;s&#10;s&#10;s&#10;s'"/>
  <xsl:variable name="blanks" select="concat($eight, $eight, $eight, $eight, $eight, $eight, $eight, $eight)"/>

  <xsl:template match="/">
    <xsl:apply-templates mode="blocks"/>
  </xsl:template>

  <!-- Blocks -->

  <xsl:template match="text()" mode="blocks"/>

  <xsl:template match="text:p" mode="blocks">
    <xsl:text>&#9;</xsl:text>
    <xsl:apply-templates/>
  </xsl:template>

  <xsl:template match="code" mode="blocks">
    <xsl:text>&#13;C</xsl:text>
    <xsl:apply-templates/>
  </xsl:template>

  <xsl:template match="title" mode="blocks">
    <xsl:text>&#13;T</xsl:text>
    <xsl:apply-templates/>
  </xsl:template>

  <xsl:template match="text:h" mode="blocks">
    <xsl:text>&#13;H</xsl:text>
    <xsl:value-of select="@text:outline-level"/>
    <xsl:text> </xsl:text>
    <xsl:apply-templates/>
  </xsl:template>

  <xsl:template match="text:list" mode="blocks">
    <xsl:value-of select="concat('&#13;&lt;', @text:continue-numbering = 'true' or @text:continue-list, ' ', @text:style-name)"/>
    <xsl:choose>
      <xsl:when test="text:list-header or */@text:start-value or */*[position() != 1 or not(self::text:p)]
          or count(*) != count(*/*)">
        <xsl:apply-templates mode="blocks"/>
      </xsl:when>
      <xsl:otherwise>
        <xsl:text>&#13;=</xsl:text>
        <xsl:apply-templates select="text:list-item"/>
      </xsl:otherwise>
    </xsl:choose>
    <xsl:text>&#13;&gt;</xsl:text>
  </xsl:template>

  <xsl:template match="text:list-item | text:list-header" mode="blocks">
    <xsl:text>&#13;-</xsl:text>
    <xsl:value-of select="@text:start-value"/>
    <xsl:apply-templates mode="blocks"/>
  </xsl:template>

  <xsl:template match="draw:page" mode="blocks">
    <xsl:variable name="title" select="(.//draw:frame[@presentation:class = 'title'])[1]"/>
    <xsl:variable name="notes" select="presentation:notes/*[@presentation:class = 'notes'][normalize-space()]"/>
    <xsl:text>&#13;P</xsl:text>
    <xsl:value-of select="@number"/>
    <xsl:text>&#13;H2 </xsl:text>
    <xsl:apply-templates select="$title" mode="line"/>
    <xsl:if test="not(normalize-space($title))">
      <xsl:value-of select="concat('Slide ', @number)"/>
    </xsl:if>
    <xsl:apply-templates mode="blocks" select="*[generate-id() != generate-id($title)
        and not(contains(' date-time footer header page page-number ', concat(' ', @presentation:class, ' ')))]"/>
    <xsl:if test="$notes">
      <xsl:text>&#13;H3 Notes</xsl:text>
      <xsl:apply-templates select="$notes"/>
    </xsl:if>
  </xsl:template>

  <xsl:template match="draw:frame" mode="blocks">
    <xsl:variable name="description" select="(svg:desc | svg:title)[normalize-space()]"/>
    <xsl:if test="not(@presentation:placeholder = 'true')">
      <xsl:if test="draw:image and $description">
        <xsl:text>&#9;</xsl:text>
        <xsl:value-of select="normalize-space($description[last()])"/>
      </xsl:if>
      <xsl:apply-templates mode="blocks"/>
    </xsl:if>
  </xsl:template>

  <!-- Tables -->

  <xsl:template match="table:table" mode="blocks">
    <xsl:variable name="cells" select="table:table-row/* | table:table-row-group//table:table-row/*
        | table:table-header-rows/table:table-row/* | table:table-rows/table:table-row/*"/>
    <xsl:choose>
      <xsl:when test="count($cells) = 1">
        <!-- a frame, drawn as a table -->
        <xsl:apply-templates select="$cells/*" mode="blocks"/>
      </xsl:when>
      <xsl:when test="$cells[self::table:covered-table-cell or @table:number-columns-spanned or @table:number-rows-spanned
          or @table:number-columns-repeated]">
        <xsl:text>&#13;M</xsl:text>
        <xsl:apply-templates mode="merged"/>
        <xsl:text>&#13;.</xsl:text>
      </xsl:when>
      <xsl:otherwise>
        <xsl:text>&#13;|</xsl:text>
        <xsl:apply-templates mode="cells"/>
        <xsl:text>&#13;.</xsl:text>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template match="text()" mode="cells"/>
  <xsl:template match="text()" mode="merged"/>

  <xsl:template match="table:table-row" mode="cells">
    <xsl:text>&#10;r</xsl:text>
    <xsl:apply-templates mode="cells"/>
  </xsl:template>

  <xsl:template match="table:table-row" mode="merged">
    <xsl:text>&#10;r</xsl:text>
    <xsl:apply-templates mode="merged"/>
  </xsl:template>

  <xsl:template match="table:table-cell" mode="cells">
    <xsl:text>&#10;c</xsl:text>
    <xsl:apply-templates/>
  </xsl:template>

  <xsl:template match="table:table-cell" mode="merged">
    <xsl:value-of select="concat('&#10;c', @table:number-columns-spanned, ',', @table:number-rows-spanned, ',',
        @table:number-columns-repeated)"/>
    <xsl:apply-templates/>
  </xsl:template>

  <xsl:template match="table:covered-table-cell" mode="merged">
    <xsl:value-of select="concat('&#10;c0,,', @table:number-columns-repeated)"/>
  </xsl:template>

  <!-- Tables in cells: a line for each row -->

  <xsl:template match="table:table-row">
    <xsl:text>&#9;</xsl:text>
    <xsl:apply-templates mode="line"/>
  </xsl:template>

  <xsl:template match="text()" mode="line"/>

  <xsl:template match="text:p | text:h | title | code" mode="line">
    <xsl:apply-templates/>
    <xsl:text> </xsl:text>
  </xsl:template>

  <!-- Words -->

  <xsl:template match="text:p | text:h | title | code">
    <xsl:text>&#9;</xsl:text>
    <xsl:apply-templates/>
  </xsl:template>

  <xsl:template match="text:line-break">
    <xsl:text>&#10;n</xsl:text>
  </xsl:template>

  <xsl:template match="text:tab">
    <xsl:text>&#10;t</xsl:text>
  </xsl:template>

  <xsl:template match="text:s">
    <xsl:text>&#10;s</xsl:text>
    <xsl:value-of select="substring($blanks, 3, 2 * @text:c - 2)"/>
  </xsl:template>

  <xsl:template match="text:a">
    <xsl:choose>
      <xsl:when test="starts-with(@xlink:href, '#')">
        <xsl:apply-templates/>
      </xsl:when>
      <xsl:otherwise>
        <xsl:text>&#10;[</xsl:text>
        <xsl:apply-templates/>
        <xsl:value-of select="concat('&#10;(', @xlink:href, '&#10;)')"/>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template match="text:note">
    <xsl:text>&#10;^</xsl:text>
    <xsl:apply-templates select="text:note-body"/>
    <xsl:text>&#10;)</xsl:text>
  </xsl:template>

  <!-- What is not shown, or no part of the text: changes, comments, tables of contents, forms -->

  <xsl:template match="text:tracked-changes | text:table-of-content | text:alphabetical-index | text:hidden-paragraph | text:hidden-text
      | text:ruby-text | office:annotation | office:forms | office:event-listeners | presentation:notes"/>
  <xsl:template mode="blocks"
      match="text:tracked-changes | text:table-of-content | text:alphabetical-index | text:hidden-paragraph | text:hidden-text
      | text:ruby-text | office:annotation | office:forms | office:event-listeners | presentation:notes"/>
  <xsl:template match="svg:title | svg:desc | draw:object | office:binary-data"/>

</xsl:stylesheet>
